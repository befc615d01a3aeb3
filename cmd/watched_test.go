package cmd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// liveEvent is an event "samples" of /api/v1/live.
type liveEvent struct {
	Count   int
	Samples []struct {
		Point string
		Time  time.Time
	}
}

// live reads the server-sent events of the gateway until ctx ends, which closes the channel.
func (s *site) live(ctx context.Context, query string) <-chan liveEvent {
	s.t.Helper()
	pem, err := os.ReadFile(s.made.CA)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, "GET", s.made.URL+"/api/v1/live?gateway=plant7"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.Token)
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	events := make(chan liveEvent)
	go func() {
		defer close(events)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var e liveEvent
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found || json.Unmarshal([]byte(data), &e) != nil {
				continue
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// TestWatchedPointsAreSeenAtOnce: blocks are half a minute long. Who looks at a point sees it move meanwhile; what he sees is neither stored nor counted, and the
// blocks have everything as ever.
func TestWatchedPointsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.edit(s.config(), "every: 2s", "every: 30s")
	s.startGateway()
	until(t, 30*time.Second, "the first block, which is short", func() bool { return s.now().Targets[0].SentSamples > 0 })
	sent := s.now().Targets[0].SentSamples
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var ages []time.Duration
	for e := range s.live(ctx, "&point=counter1.number") {
		for _, one := range e.Samples {
			if one.Point != "counter1.number" || e.Count != 0 {
				t.Errorf("seen %+v", e)
			}
			ages = append(ages, time.Since(one.Time))
		}
		if len(ages) >= 10 {
			break
		}
	}
	stop()
	if len(ages) < 10 {
		t.Fatalf("seen %d samples in 20 s", len(ages))
	}
	slices.Sort(ages)
	t.Logf("a sample is on the screen after %v (median of %d)", ages[len(ages)/2], len(ages))
	if now := s.now().Targets[0].SentSamples; now != sent {
		t.Errorf("%d samples are counted as sent, and no block was", now-sent)
	}
	s.rest()
	kept := s.now().SamplesKept
	s.gateway.stop()
	s.drain()
	if a := s.audit(); uint64(len(a.stored)) != kept || len(a.missing) > 0 {
		t.Errorf("%d samples kept, %d stored, %d missing", kept, len(a.stored), len(a.missing))
	}
}
