package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud/server"
	"github.com/penstock-edge/penstock/cloud/web"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/enrol"
	"github.com/penstock-edge/penstock/sync/identity"
)

// cloudServer is the demo's cloud and a client of its API.
type cloudServer struct {
	at    server.Addresses
	token string
	ca    *x509.Certificate
	http  *http.Client
	stop  func()
}

// startCloud makes a cloud in dir, or takes up the one of an earlier run, and waits until it listens.
func startCloud(ctx context.Context, dir string, log *slog.Logger) (*cloudServer, error) {
	c := &cloudServer{}
	if err := c.init(dir); err != nil {
		return nil, fmt.Errorf("the cloud: %w", err)
	}
	cfg, err := server.Load(filepath.Join(dir, "cloud.yaml"))
	if err != nil {
		return nil, err
	}
	cfg.Listen = server.Listen{MQTT: "127.0.0.1:0", HTTPS: "127.0.0.1:0"}
	ctx, cancel := context.WithCancel(ctx)
	ready, done := make(chan server.Addresses, 1), make(chan error, 1)
	go func() {
		done <- server.Run(ctx, cfg, server.Options{UI: pages, Ready: func(a server.Addresses) { ready <- a }}, log)
	}()
	c.stop = func() { c.http.CloseIdleConnections(); cancel(); <-done } //nolint:errcheck // it says only that it was told to stop
	select {
	case c.at = <-ready:
		return c, nil
	case err := <-done:
		cancel()
		return nil, fmt.Errorf("the cloud: %w", err)
	}
}

// pages are what people look at.
func pages(of server.UI) http.Handler {
	return web.New(web.Options{Store: of.Store, LoggedIn: of.Session.LoggedIn, Rate: of.Rate, Operator: of.Operator, Who: of.Session.Who, Log: of.Log})
}

// init makes the cloud's folder. The token is kept beside it: this is a demo, and it must be shown at every start.
func (c *cloudServer) init(dir string) error {
	tokenFile := filepath.Join(dir, "admin-token")
	if _, err := os.Stat(filepath.Join(dir, "cloud.yaml")); errors.Is(err, fs.ErrNotExist) {
		made, err := server.Init(dir, nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(tokenFile, []byte(made.AdminToken), 0o600); err != nil {
			return err
		}
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fmt.Errorf("%w (this folder's cloud was not made by the demo; choose another --dir)", err)
	}
	c.token = string(token)
	c.ca, err = identity.LoadCertificate(filepath.Join(dir, "pki", "ca.crt"))
	if err != nil {
		return err
	}
	c.http = &http.Client{Transport: &http.Transport{TLSClientConfig: identity.ClientTLS(nil, c.ca, "localhost")}}
	return nil
}

// enrol gives the gateway its identity the way a person would: invite it, exchange the token.
func (c *cloudServer) enrol(ctx context.Context, cfg *config.Config) error {
	id := cfg.Cloud[0].Identity
	files := identity.Files{Key: id.KeyFile, Cert: id.Cert, CA: id.CA}
	if _, _, err := files.Load(time.Now()); err == nil {
		return nil // of an earlier run
	}
	var invitation struct{ Token string }
	if err := c.call(ctx, http.MethodPost, "/api/v1/invitations", map[string]string{"gateway": cfg.Gateway.ID, "ttl": "1h"}, &invitation); err != nil {
		return err
	}
	_, err := enrol.Enrol(ctx, enrol.Request{URL: c.at.HTTPS, Token: invitation.Token, Gateway: cfg.Gateway.ID, Files: files})
	return err
}

// call asks the API and reads its answer as JSON.
func (c *cloudServer) call(ctx context.Context, method, path string, body, into any) error {
	text, err := c.fetch(ctx, method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (c *cloudServer) fetch(ctx context.Context, method, path string, body any) ([]byte, error) {
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.at.HTTPS+path, &sent)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, strings.TrimSpace(string(text)))
	}
	return text, err
}
