package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/cloud/server"
	"github.com/penstock-edge/penstock/sync/identity"
)

const (
	cloudName = "cloud.example"
	mqttAt    = cloudName + ":8883"
	httpsAt   = cloudName + ":8443"
)

// cloudLife is one run of the cloud.
type cloudLife struct {
	folder string
	stop   context.CancelFunc
	done   chan error
}

// startCloud starts a cloud on a folder and waits until it listens.
func (s *site) startCloud(folder string) *cloudLife {
	cfg, err := server.Load(filepath.Join(folder, "cloud.yaml"))
	must(err)
	cfg.Listen = server.Listen{MQTT: mqttAt, HTTPS: httpsAt}
	ctx, stop := context.WithCancel(context.Background())
	c := &cloudLife{folder: folder, stop: stop, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		c.done <- server.Run(ctx, cfg, server.Options{
			Ready:   func(server.Addresses) { close(ready) },
			Listen:  func(_, at string) (net.Listener, error) { return s.network.listen(at) },
			Between: func(to ingest.Store) ingest.Store { return &shelf{Store: to, state: s.shelf} },
		}, s.log.With("cloud", folder[len(folder)-1:]))
	}()
	select {
	case <-ready:
	case err := <-c.done:
		panic(fmt.Errorf("the cloud does not start: %w", err))
	}
	s.event("the cloud runs")
	return c
}

// shelfState is how the cloud's store fares.
type shelfState struct {
	mu     sync.Mutex
	full   bool
	slow   time.Duration
	random *rand.Rand
	forget int // every so many blocks one is acknowledged and not stored: the negative control; 0: never
	blocks int

	stored map[uint64]bool // the records of the buffer that were stored
}

// shelf is the store as ingest sees it.
type shelf struct {
	ingest.Store
	state *shelfState
}

func (f *shelf) trouble(ctx context.Context) error {
	f.state.mu.Lock()
	full, slow := f.state.full, f.state.slow
	if slow > 0 {
		slow = time.Duration(f.state.random.Int64N(int64(slow)))
	}
	f.state.mu.Unlock()
	if full {
		return fmt.Errorf("write to the store: database or disk is full")
	}
	return pause(ctx, slow)
}

func (f *shelf) Append(ctx context.Context, batches ...cloud.Batch) ([]bool, error) {
	if err := f.trouble(ctx); err != nil {
		return nil, err
	}
	f.state.mu.Lock()
	f.state.blocks++
	forget := f.state.forget > 0 && f.state.blocks%f.state.forget == 0
	f.state.mu.Unlock()
	if forget {
		return make([]bool, len(batches)), nil
	}
	stored, err := f.Store.Append(ctx, batches...)
	for _, b := range batches {
		f.state.book(err, b.Seq)
	}
	return stored, err
}

// book notes a record that is stored.
func (f *shelfState) book(err error, seq uint64) {
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stored[seq] = true
}

func (f *shelf) AppendAlarms(ctx context.Context, b cloud.AlarmBatch) ([]cloud.Alarm, bool, error) {
	if err := f.trouble(ctx); err != nil {
		return nil, false, err
	}
	changed, stored, err := f.Store.AppendAlarms(ctx, b)
	f.state.book(err, b.Seq)
	return changed, stored, err
}

func (f *shelf) Declare(ctx context.Context, gateway string, losses []cloud.Loss) error {
	if err := f.trouble(ctx); err != nil {
		return err
	}
	return f.Store.Declare(ctx, gateway, losses)
}

// person is the cloud's administrator, who calls its API over the network.
func (s *site) person(made server.Installation) *http.Client {
	ca, err := identity.LoadCertificate(made.CA)
	must(err)
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: identity.ClientTLS(nil, ca, cloudName),
		DialContext: func(ctx context.Context, _, to string) (net.Conn, error) { return s.network.dial(ctx, to) },
	}}
}

// call gives false when the cloud did not take the request, as far as one can tell.
func (s *site) call(method, path string, body any, into any) error {
	text, err := json.Marshal(body)
	must(err)
	req, err := http.NewRequest(method, "https://"+httpsAt+path, bytes.NewReader(text))
	must(err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(answer, into)
	}
	return err
}

// enrol gives the gateway its identity.
func (s *site) enrol(folder string) {
	key, err := identity.NewKey()
	must(err)
	csr, err := identity.NewRequest(key, "plant7")
	must(err)
	var invitation struct{ Token string }
	must(s.call("POST", "/api/v1/invitations", map[string]string{"gateway": "plant7"}, &invitation))
	var answer struct{ Certificate, CA string }
	must(s.call("POST", "/api/v1/enroll", map[string]string{"token": invitation.Token, "csr": string(csr)}, &answer))
	cert, err := identity.ParseCertificate([]byte(answer.Certificate))
	must(err)
	ca, err := identity.ParseCertificate([]byte(answer.CA))
	must(err)
	base := filepath.Join(folder, "identity", "main")
	must(identity.Files{Key: base + ".key", Cert: base + ".crt", CA: base + ".ca"}.Save(key, cert, ca))
}
