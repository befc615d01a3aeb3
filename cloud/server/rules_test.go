package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRE17_ARuleThatAnswersItselfThroughAShadow: a rule that changes the shadow whose changes it sees comes to an end.
func TestRE17_ARuleThatAnswersItselfThroughAShadow(t *testing.T) {
	s := newSite(t)
	post := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.at.HTTPS+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.made.AdminToken)
		res, err := s.browser().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	rule := `{"sql": "SELECT VALUE {'state': {'desired': {'n': current.version}}} FROM '$aws/things/pump/shadow/update/documents'",
		"actions": [{"republish": {"topic": "$$aws/things/pump/shadow/update"}}]}`
	if code, text := post("POST", "/rules/echo", rule); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	if code, text := post("POST", "/rules/liar", strings.Replace(rule, "shadow/update\"", "shadow/update/accepted\"", 1)); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	if code, text := post("POST", "/things/pump/shadow", `{"state":{"desired":{"n":0}}}`); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	version := func() (text string) { _, text = post("GET", "/things/pump/shadow", ""); return text }
	last, since := version(), time.Now()
	for end := time.Now().Add(10 * time.Second); time.Since(since) < time.Second; time.Sleep(50 * time.Millisecond) {
		if now := version(); shadowVersion(now) != shadowVersion(last) {
			last, since = now, time.Now()
		}
		if time.Now().After(end) {
			t.Fatalf("the rule goes on and on: %s", last)
		}
	}
	if v := shadowVersion(last); v < 2 || v > 20 {
		t.Errorf("after the rule came to its end the shadow has version %d: %s", v, last)
	}
	if code, text := post("GET", "/api/v1/rules/liar/dead", ""); code != 200 || !strings.Contains(text, "accepted") {
		t.Errorf("a rule that says what only the server may: %d %s", code, text)
	}
}

// shadowVersion is the version in the answer to a get.
func shadowVersion(text string) (v int) {
	_, rest, _ := strings.Cut(text, `"version":`)
	_, _ = fmt.Sscan(strings.SplitN(rest, ",", 2)[0], &v)
	return v
}
