package server_test

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// BenchmarkSamples is a chart as the API answers it: one point, 10,000 samples, 500 buckets.
func BenchmarkSamples(b *testing.B) {
	s := newSite(b)
	l := s.mustConnect(s.gateway("plant7"), "plant7")
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i := range 100 {
		payload := block(b, "press.force", start.Add(time.Duration(i)*100*time.Second), 100)
		if code, why := l.publish("dt/plant7/block", payload, sequence("E", i+1)...); code >= 0x80 {
			b.Fatalf("0x%X %s", code, why)
		}
	}
	req, err := http.NewRequest("GET", s.at.HTTPS+"/api/v1/gateways/plant7/points/press.force/samples?buckets=500&from=2026-03-01T08:00:00Z&to=2026-03-01T10:46:40Z", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
	web := s.browser()
	for b.Loop() {
		res, err := web.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); err != nil || n < 10_000 {
			b.Fatalf("%d bytes, %v", n, err)
		}
		res.Body.Close()
	}
}
