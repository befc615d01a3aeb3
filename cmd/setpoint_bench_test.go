package cmd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkSetpoint is a person's value on its way: set in the cloud by REST, written to a Modbus register by the gateway, read back, and
// reported in the cloud's shadow; both programs run as processes of their own.
//
//	go test -run xxx -bench Setpoint -benchtime 200x ./cmd
func BenchmarkSetpoint(b *testing.B) {
	s, d := newDriveSite(b)
	s.startGateway()
	until(b, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 0.0 })
	c := s.client()
	var written, reported []time.Duration
	for i := 0; b.Loop(); i++ {
		value := 1 + i%100
		began := time.Now()
		c.desire(b, value)
		for d.speed(b) != uint16(value) {
			time.Sleep(200 * time.Microsecond)
		}
		written = append(written, time.Since(began))
		for !strings.Contains(c.get(b, "/things/plant7:drive/shadow"), fmt.Sprintf(`"reported":{"speed":%d`, value)) {
			time.Sleep(500 * time.Microsecond)
		}
		reported = append(reported, time.Since(began))
	}
	for what, took := range map[string][]time.Duration{"written": written, "reported": reported} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-"+what+"-p50")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-"+what+"-p99")
	}
}

// browser asks the cloud over one connection, as a page does.
type browser struct {
	*site
	http *http.Client
}

func (s *site) client() browser {
	s.t.Helper()
	ca, err := os.ReadFile(s.made.CA)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return browser{s, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}}
}

func (c browser) do(b testing.TB, method, path, body string) string {
	b.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.made.URL+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.made.Token)
	res, err := c.http.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := bufio.NewReader(res.Body).ReadString(0)
	if err == nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s %s: %s %s", method, path, res.Status, text)
	}
	return text
}

func (c browser) get(b testing.TB, path string) string { b.Helper(); return c.do(b, "GET", path, "") }

func (c browser) desire(b testing.TB, speed int) {
	b.Helper()
	c.do(b, "POST", "/things/plant7:drive/shadow", fmt.Sprintf(`{"state":{"desired":{"speed":%d}}}`, speed))
}
