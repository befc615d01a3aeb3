package server_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Nothing happens for longer than a write may take: the stream stays open, and its heartbeat arrives. Over HTTP/2 a write deadline
// that is left standing would have reset it.
func TestAQuietLiveStreamStaysOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	req, err := http.NewRequest(http.MethodGet, s.at.HTTPS+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
	res, err := s.browser().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Fatalf("the stream came over %s; this is about HTTP/2", res.Proto)
	}
	began := time.Now()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), ":") && time.Since(began) > 10*time.Second {
			return
		}
	}
	t.Fatalf("the stream ended after %v: %v", time.Since(began), lines.Err())
}
