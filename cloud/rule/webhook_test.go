package rule_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud/rule"
)

func (p *plant) webhook(more string) string {
	return fmt.Sprintf(`{"http":{"url":"%s/hook/${topic(2)}"%s}}`, p.hooks.server.URL, more)
}

// TestRE15_Tries: only an answer 429 or 5xx, and no answer in time, are worth another try, and three are all.
func TestRE15_Tries(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	cases := map[string]struct {
		answer http.HandlerFunc
		tries  int
		fails  string
	}{
		"taken":        {status(200), 1, ""},
		"accepted":     {status(202), 1, ""},
		"not-wanted":   {status(400), 1, "it answers 400 Bad Request"},
		"busy":         {status(429), 3, "it answers 429 Too Many Requests"},
		"down":         {status(503), 3, "it answers 503 Service Unavailable"},
		"elsewhere":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, 1, "it answers 302 Found"},
		"talks-a-lot":  {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 16385)) }, 1, "the answer has more than 16384 bytes"},
		"to-the-limit": {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 16384)) }, 1, ""},
		"says-nothing": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 3, "Timeout"},
		"stops-talking": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("a"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 3, "Timeout"},
	}
	p := newPlant(t, func(o *rule.Options) { o.Webhooks.Timeout = 200 * time.Millisecond })
	p.hooks.answers(func(w http.ResponseWriter, r *http.Request) {
		cases[strings.TrimPrefix(r.URL.Path, "/hook/")].answer(w, r)
	})
	for name := range cases {
		p.rule(strings.ReplaceAll(name, "-", "_"), "SELECT t FROM 'in/"+name+"'", p.webhook(""))
		p.send("in/"+name, `{"t":1}`)
	}
	p.settled()
	for name, c := range cases {
		tries := 0
		for _, got := range p.hooks.bodies() {
			if got == "/hook/"+name+` {"t":1}` {
				tries++
			}
		}
		if tries != c.tries {
			t.Errorf("%s was tried %d times, want %d", name, tries, c.tries)
		}
		name = strings.ReplaceAll(name, "-", "_")
		counts := p.Stats()[name]
		switch dead := p.deaths(name); {
		case c.fails == "":
			if len(dead) > 0 || counts.Success["http"] != 1 {
				t.Errorf("%s failed %q, counted %+v", name, dead, counts)
			}
		case len(dead) != 1 || !strings.HasPrefix(dead[0], fmt.Sprintf("http %d tries", c.tries)) || !strings.Contains(dead[0], c.fails) || counts.Failure["http"] != 1:
			t.Errorf("%s failed %q, want %q; counted %+v", name, dead, c.fails, counts)
		}
	}
}

// TestRE15_PeerHangsUp: that ends it, unless the connection was an older one, which may have ended before.
func TestRE15_PeerHangsUp(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("hook", "SELECT t FROM 'in/+'", p.webhook(""))
	p.hooks.answers(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "bad") {
			panic(http.ErrAbortHandler)
		}
	})
	p.send("in/bad", `{"t":1}`)
	p.settled()
	if n, dead := len(p.hooks.bodies()), p.deaths("hook"); n != 1 || len(dead) != 1 || !strings.Contains(dead[0], "EOF") {
		t.Errorf("on a new connection it was tried %d times, failed %q", n, dead)
	}
	p.send("in/good", `{"t":1}`)
	p.settled()
	p.send("in/bad", `{"t":2}`)
	p.settled()
	if n, dead := len(p.hooks.bodies()), p.deaths("hook"); n != 4 || len(dead) != 2 || !strings.HasPrefix(dead[1], "http 2 tries") {
		t.Errorf("on an older connection it was tried %d times, failed %q", n-2, dead)
	}
}

// TestRE15_Request: what a receiver gets, and that its signature verifies.
func TestRE15_Request(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("signed", "SELECT t FROM 'in/+'", p.webhook(`,"confirmationUrl":"x","headers":[{"key":"X-Topic","value":"${topic()}"}],"hmac":{"key_id":"k1"}`))
	p.rule("raw", "SELECT * FROM 'raw/+'", p.webhook(""))
	p.send("in/a", `{"t":1}`)
	p.send("raw/a", "21 °C")
	p.settled()
	for _, h := range p.hooks.got {
		key := h.Header.Get("Idempotency-Key")
		switch h.body {
		case `{"t":1}`:
			if h.Header.Get("Content-Type") != "application/json" || h.Header.Get("X-Topic") != "in/a" || !strings.HasSuffix(key, ":signed:0") || h.Method != "POST" {
				t.Errorf("received %v", h.Header)
			}
			if err := rule.Verify(h.Header.Get(rule.HeaderSignature), []byte("secret"), time.Now(), time.Minute, []byte(h.body)); err != nil {
				t.Error(err)
			}
		case "21 °C":
			if h.Header.Get("Content-Type") != "application/octet-stream" || h.Header.Get(rule.HeaderSignature) != "" {
				t.Errorf("received %v", h.Header)
			}
		default:
			t.Errorf("received %q", h.body)
		}
	}
	if len(p.hooks.got) != 2 {
		t.Errorf("received %q", p.hooks.bodies())
	}
}

// TestRE15_OnlyAllowedDestinations: nothing inside the server's network can be reached by a rule, unless the server's owner says so.
func TestRE15_OnlyAllowedDestinations(t *testing.T) {
	t.Parallel()
	other := newHooks(t)
	p := newPlant(t, nil)
	for _, url := range []string{other.server.URL, "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "gopher://" + p.hooks.host(),
		"http://a@" + p.hooks.host(), "//" + p.hooks.host(), "http://localhost:1", "http://[::1]:80/", "", "http://%zz"} {
		if err := p.Create(t.Context(), anna, "bad", document("SELECT * FROM 'a'", fmt.Sprintf(`{"http":{"url":%q}}`, url))); err == nil {
			t.Errorf("a rule may post to %q", url)
		}
	}
	p.rule("chosen", "SELECT * FROM 'a'", `{"http":{"url":"${url}"}}`)
	p.send("a", fmt.Sprintf(`{"url":"%s/x"}`, other.server.URL))
	p.send("a", fmt.Sprintf(`{"url":"%s/x"}`, p.hooks.server.URL))
	p.settled()
	if n := len(p.hooks.bodies()); n != 1 || len(other.bodies()) > 0 {
		t.Errorf("%d posts to what is allowed, %d to what is not", n, len(other.bodies()))
	}
	if got := p.deaths("chosen"); len(got) != 1 || !strings.Contains(got[0], "is not among the allowed destinations") {
		t.Errorf("failed %q", got)
	}
	none := newPlant(t, func(o *rule.Options) { o.Webhooks.Allow = nil })
	if err := none.Create(t.Context(), anna, "hook", document("SELECT * FROM 'a'", `{"http":{"url":"${url}"}}`)); err == nil {
		t.Error("without a list everything is allowed")
	}
}

func TestAllowListPatterns(t *testing.T) {
	t.Parallel()
	store := newPlant(t, nil).store
	for pattern, bad := range map[string]bool{"hooks.example.com:443": false, "*.example.com:*": false, "[::1]:8080": false, "10.0.0.7:*": false,
		"example.com": true, "*:443": true, "a*b:1": true, ":443": true, "http://a:1": true} {
		_, err := rule.New(t.Context(), rule.Options{Store: store, Webhooks: rule.Webhooks{Allow: []string{pattern}}})
		if (err != nil) != bad {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// TestRE15_RefusedConnection: a destination that is not there fails at once, and can be tried again by a person.
func TestRE15_RefusedConnection(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	p := newPlant(t, func(o *rule.Options) { o.Webhooks.Allow = []string{address} })
	p.rule("hook", "SELECT t FROM 'in'", fmt.Sprintf(`{"http":{"url":"http://%s/late"}}`, address))
	p.send("in", `{"t":1}`)
	p.settled()
	dead, err := p.store.DeadItems(t.Context(), "hook", 0, 10)
	p.must(err)
	if len(dead) != 1 || dead[0].Tries != 1 {
		t.Fatalf("dead are %+v", dead)
	}
	if ln, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	received := make(chan string, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.Header.Get("Idempotency-Key") })}
	go server.Serve(ln)
	defer server.Close()
	p.must(p.Retry(t.Context(), anna, "hook", dead[0].ID))
	if key := <-received; key != dead[0].Key {
		t.Errorf("the key is %s, was %s", key, dead[0].Key)
	}
	p.settled()
	if err := p.Retry(t.Context(), anna, "hook", dead[0].ID); err == nil {
		t.Error("it was tried again twice")
	}
}

// TestSignatureOfTheREADME: its example verifies as it stands there.
func TestSignatureOfTheREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	find := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("the README has no %s", pattern)
		}
		return string(found[1])
	}
	signature, key, body := find(`Penstock-Signature: (\S+)`), find(`key "(.+?)"`), find("body `(.+?)`")
	if err := rule.Verify(signature, []byte(key), time.Unix(1_700_000_000, 0), time.Minute, []byte(body)); err != nil {
		t.Errorf("%v: want %s", err, rule.Sign("k1", []byte(key), time.Unix(1_700_000_000, 0), []byte(body)))
	}
	for _, wrong := range []string{"", "t=1700000000", "t=x,v1=00", strings.Replace(signature, "k=", "v1=00,k=", 1) + "00", "t=1700000000,v1=zz"} {
		if rule.Verify(wrong, []byte(key), time.Unix(1_700_000_000, 0), time.Minute, []byte(body)) == nil {
			t.Errorf("%q verifies", wrong)
		}
	}
	if rule.Verify(signature, []byte(key), time.Unix(1_700_000_300, 0), time.Minute, []byte(body)) == nil {
		t.Error("a request of five minutes ago verifies")
	}
}

// TestRE16_ErrorActionGetsOneMessage: when all actions of a row are over, with those that failed; the others were done.
func TestRE16_ErrorActionGetsOneMessage(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.hooks.answers(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "bad") {
			w.WriteHeader(500)
		}
	})
	errors := `"errorAction":{"republish":{"topic":"errors/${topic(2)}"}}}`
	doc := document("SELECT t FROM 'in/+'", p.webhook(""), republish("out"), republish("${nothing}"), p.webhook(""))
	p.must(p.Create(t.Context(), anna, "hook", append(doc[:len(doc)-1], ","+errors...)))
	doc = document("SELECT t FROM 'in/+'", republish("${nothing}"))
	p.must(p.Create(t.Context(), anna, "never", append(doc[:len(doc)-1], ","+errors...)))
	p.send("in/bad", `{"t":1}`)
	p.settled()
	var notices []map[string]any
	for _, m := range p.messages() {
		topic, payload, _ := strings.Cut(m, " ")
		if topic == "errors/bad" {
			var n map[string]any
			p.must(json.Unmarshal([]byte(payload), &n))
			notices = append(notices, n)
		} else if m != `out {"t":1}` {
			t.Errorf("published %s", m)
		}
	}
	if len(notices) != 2 {
		t.Fatalf("the error actions were told %v", notices)
	}
	for _, n := range notices {
		failures := n["failures"].([]any)
		want := map[string]int{"hook": 3, "never": 1}[n["ruleName"].(string)]
		if len(failures) != want || n["topic"] != "in/bad" || n["clientId"] != "press-1" || n["base64OriginalPayload"] != "eyJ0IjoxfQ==" || n["cloudwatchTraceId"] == "" {
			t.Errorf("told %v", n)
		}
		for _, f := range failures {
			f := f.(map[string]any)
			if f["failedAction"] == "http" && (!strings.HasSuffix(f["failedResource"].(string), "/hook/bad") || f["errorMessage"] != "it answers 500 Internal Server Error") {
				t.Errorf("told %v", f)
			}
		}
	}
	if c := p.Stats()["hook"]; c.ErrorActionSuccess["republish"] != 1 || c.Failure["http"] != 2 || c.Failure["republish"] != 1 || c.Success["republish"] != 1 || c.Retries != 4 {
		t.Errorf("counted %+v", c)
	}
}
