package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/penstock-edge/penstock/gateway/status"
)

// errNotRunning: nothing serves the socket in the state folder.
var errNotRunning = errors.New("the gateway is not running: start it with systemctl start penstock, or penstock run -c FILE")

// running is the daemon that runs on a state folder, reached by its socket.
type running struct {
	socket string
	http   http.Client
}

func dial(stateDir string) *running {
	socket := filepath.Join(stateDir, status.SocketName)
	return &running{socket: socket, http: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

func (d *running) get(ctx context.Context, path string, into any) error {
	return d.call(ctx, http.MethodGet, path, nil, into)
}

func (d *running) write(ctx context.Context, w status.Write) (p status.Point, err error) {
	body, err := json.Marshal(w)
	if err != nil {
		return p, err
	}
	return p, d.call(ctx, http.MethodPost, "/api/v1/points/"+url.PathEscape(w.Point), body, &p)
}

func (d *running) call(ctx context.Context, method, path string, body []byte, into any) error {
	res, err := d.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

// ask gives an answer that is no refusal; the caller closes its body.
func (d *running) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://penstock"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := d.http.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, errNotRunning
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: permission denied: run this as root, or join the group penstock", d.socket)
	case err != nil:
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	return res, nil
}

func refusal(res *http.Response) error {
	var said struct{ Message string }
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil || json.Unmarshal(text, &said) != nil || said.Message == "" {
		return fmt.Errorf("the gateway answers %s", res.Status)
	}
	return errors.New(said.Message)
}
