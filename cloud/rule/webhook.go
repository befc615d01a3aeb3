package rule

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// Bounds of a webhook, as AWS IoT's HTTP action has them.
const (
	maxTries    = 3
	maxResponse = 16 << 10 // bytes of header, and of body
	hookTimeout = 10 * time.Second
)

// headerKey is Idempotency-Key in letters that Go's client does not know it by: it would send the request again by itself.
const headerKey = "idempotency-key"

// Webhooks is what http actions may do.
type Webhooks struct {
	Allow   []string          // destinations, host:port; none when empty
	Keys    map[string][]byte // for signatures, by id
	Roots   *x509.CertPool    // who vouches for https destinations; nil: the machine's
	Timeout time.Duration     // of a try; default 10 s
}

type webhook struct {
	source  string
	url     text
	headers []textHeader
	key     string
}

func (k *kinds) newWebhook(m *maker) (action, error) {
	var s struct {
		URL             string   `json:"url"`
		ConfirmationURL string   `json:"confirmationUrl"` // of AWS IoT: the list of allowed destinations is in its place
		Headers         []header `json:"headers"`
		HMAC            *struct {
			KeyID string `json:"key_id"`
		} `json:"hmac"`
	}
	m.read(&s)
	m.needs("url", s.URL)
	a := &webhook{source: s.URL, url: m.text("url", s.URL), headers: m.headers("headers", s.Headers)}
	if s.HMAC != nil {
		a.key = s.HMAC.KeyID
	}
	switch {
	case m.err != nil:
	case a.key == "" && s.HMAC != nil:
		m.err = errors.New("hmac: key_id is missing")
	case s.HMAC != nil && k.o.Webhooks.Keys[a.key] == nil:
		m.err = fmt.Errorf("hmac: there is no key %q: whoever runs this server adds it in cloud.yaml", a.key)
	case a.url.template == nil:
		_, m.err = k.destination(s.URL)
	case len(k.allow) == 0:
		m.err = errors.New("url: no destinations are allowed: whoever runs this server adds them in cloud.yaml")
	}
	return a, m.err
}

// destination is a URL that is allowed.
func (k *kinds) destination(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return u, k.allow.check(u)
}

func (a *webhook) kind() string     { return kindWebhook }
func (a *webhook) resource() string { return a.source }

type webhookCall struct {
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers,omitempty"`
	Key     string      `json:"key_id,omitempty"`
}

func (a *webhook) call(o *occasion) (any, error) {
	c := webhookCall{Key: a.key}
	var err error
	if c.URL, err = a.url.must(o, "url"); err != nil {
		return nil, err
	}
	c.Headers, err = expandHeaders(a.headers, o)
	return c, err
}

// newClient makes a client of webhooks: straight to the destination, and nowhere else; fresh: with a new connection for each.
func newClient(w Webhooks, fresh bool) *http.Client {
	if w.Timeout <= 0 {
		w.Timeout = hookTimeout
	}
	return &http.Client{
		Timeout:       w.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:     (&net.Dialer{Timeout: w.Timeout}).DialContext,
			TLSClientConfig: &tls.Config{RootCAs: w.Roots, MinVersion: tls.VersionTLS12},
			MaxIdleConns:    100, MaxIdleConnsPerHost: 8, IdleConnTimeout: 2 * time.Second, DisableKeepAlives: fresh,
			TLSHandshakeTimeout: w.Timeout, MaxResponseHeaderBytes: maxResponse, DisableCompression: true, ForceAttemptHTTP2: true,
		},
	}
}

// post sends a webhook, once. Only what may be better a moment later is worth another try: an answer 429 or 5xx, no answer in time, and the end of a
// connection that was used before, which may have come before the request did; the next try has a new one.
func (e *Engine) post(ctx context.Context, item *cloud.OutboxItem) (st cloud.Settlement, err error) {
	used := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { used = c.Reused }})
	req, err := e.request(ctx, item)
	if err != nil {
		return st, refusal{err}
	}
	client := e.client
	if item.Tries > 0 {
		client = e.fresh
	}
	resp, err := client.Do(req)
	switch {
	case err != nil && used:
		return st, err
	case err != nil:
		return st, lasting(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return st, lasting(fmt.Errorf("read the answer: %w", err))
	case n > maxResponse:
		return st, refuse("the answer has more than %d bytes", maxResponse)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		return st, fmt.Errorf("it answers %s", resp.Status)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return st, refuse("it answers %s", resp.Status)
	}
	return st, nil
}

func (e *Engine) request(ctx context.Context, item *cloud.OutboxItem) (*http.Request, error) {
	var c webhookCall
	if err := json.Unmarshal(item.Call, &c); err != nil {
		return nil, fmt.Errorf("read what to post: %w", err)
	}
	u, err := e.destination(c.URL) // again: what is allowed may have changed
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(item.Payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "penstock-cloud")
	req.Header.Set("Content-Type", contentType(item.Payload))
	for _, h := range c.Headers {
		req.Header.Set(h[0], h[1])
	}
	req.Header[headerKey] = []string{item.Key}
	if c.Key != "" {
		key := e.o.Webhooks.Keys[c.Key]
		if key == nil {
			return nil, fmt.Errorf("there is no key %q to sign with", c.Key)
		}
		req.Header.Set(HeaderSignature, Sign(c.Key, key, time.Now(), item.Payload))
	}
	return req, nil
}

func contentType(payload []byte) string {
	if json.Valid(payload) {
		return "application/json"
	}
	return "application/octet-stream"
}

// lasting makes a refusal of what is no timeout: the destination is wrong, or has closed the connection on us.
func lasting(err error) error {
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() || errors.Is(err, context.Canceled) {
		return err
	}
	return refusal{err}
}
