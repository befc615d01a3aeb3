package broker

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// posts serves POST /topics for whoever says in the header Who which thing, or person, asks.
func (p *plant) posts() *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("POST "+PathTopics, &Posts{Broker: p.broker, Admit: func(r *http.Request, _ string) (Client, error) {
		kind, name, known := strings.Cut(r.Header.Get("Who"), " ")
		switch {
		case !known:
			return Client{}, fmt.Errorf("%w: say who", ErrNobody)
		case kind == "thing":
			return Client{Thing: name}, nil
		}
		return Client{Person: name}, nil
	}})
	s := httptest.NewServer(mux)
	p.t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, s *httptest.Server, who, path, payload string, headers ...string) (status int, kind, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/topics/"+path, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Who", who)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("x-amzn-errortype"), string(text)
}

// TestDG16_Post: what is posted is handed over and published like a client's message, with all that MQTT 5 has beside a payload.
func TestDG16_Post(t *testing.T) {
	p := newPlant(t, nil)
	s := p.posts()
	d, _ := p.connect("press", "press", 5)
	d.subscribe("dt/press/#")
	base := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	status, _, body := post(t, s, "person anna", "dt%2Fpress%2Fa%2Fb?qos=1&contentType=text/plain&responseTopic=dt/press/r&messageExpiry=60", "hello",
		"x-amz-mqtt5-payload-format-indicator", "UTF8_DATA", "x-amz-mqtt5-correlation-data", base("7"),
		"x-amz-mqtt5-user-properties", base(`[{"a":"1"},{"a":"2"}]`))
	if status != 200 || !strings.Contains(body, `"message":"OK"`) || !strings.Contains(body, `"traceId":"`) {
		t.Fatalf("%d %s", status, body)
	}
	pk := d.receive()
	if pk.TopicName != "dt/press/a/b" || string(pk.Payload) != "hello" || pk.FixedHeader.Qos != 1 {
		t.Errorf("%+v", pk)
	}
	if got := pk.Properties; got.ContentType != "text/plain" || got.ResponseTopic != "dt/press/r" || string(got.CorrelationData) != "7" || got.PayloadFormat != 1 ||
		got.MessageExpiryInterval == 0 || fmt.Sprint(got.User) != "[{a 1} {a 2}]" {
		t.Errorf("%+v", got)
	}
	if m := p.delivered[0]; m.Client.Person != "anna" || m.Expires != time.Minute || m.QoS != 1 {
		t.Errorf("%+v", m)
	}
	if status, _, body := post(t, s, "thing press", "dt/press/state?retain=true", "on"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if pk := d.receive(); string(pk.Payload) != "on" {
		t.Errorf("%+v", pk)
	}
}

func TestDG16_PostRefusals(t *testing.T) {
	var next error
	p := newPlant(t, func(Message) error { return next })
	s := p.posts()
	for _, c := range []struct {
		name, who, path, payload string
		err                      error
		status                   int
		kind                     string
	}{
		{"nobody", "", "dt/press/a", "", nil, 401, "UnauthorizedException"},
		{"another thing's topic", "thing saw", "dt/press/a", "", nil, 403, "ForbiddenException"},
		{"no topic", "person anna", "", "", nil, 400, "InvalidRequestException"},
		{"a wildcard", "person anna", "dt/%2B", "", nil, 400, "InvalidRequestException"},
		{"retained below $", "person anna", "$aws/x?retain=true", "", nil, 400, "InvalidRequestException"},
		{"QoS 2", "person anna", "a?qos=2", "", nil, 400, "InvalidRequestException"},
		{"too large", "person anna", "a", strings.Repeat("x", defaultPacket+1), nil, 413, "RequestEntityTooLargeException"},
		{"not what the topic promises", "person anna", "a", "", ErrPayload, 400, "InvalidRequestException"},
		{"forbidden", "person anna", "a", "", ErrForbidden, 403, "ForbiddenException"},
		{"busy", "person anna", "a", "", ErrBusy, 503, "ServiceUnavailableException"},
		{"nobody thought of it", "person anna", "a", "", errors.New("hunter2"), 500, "InternalFailureException"},
	} {
		next = c.err
		status, kind, body := post(t, s, c.who, c.path, c.payload)
		if status != c.status || kind != c.kind || !strings.Contains(body, `"message"`) || strings.Contains(body, "hunter2") {
			t.Errorf("%s: %d %s %s", c.name, status, kind, body)
		}
	}
	if p.payloads() != "" {
		t.Errorf("taken: %s", p.payloads())
	}
}

// FuzzDescribe: whatever stands in a query and in headers, what is taken is a message that can be published.
func FuzzDescribe(f *testing.F) {
	f.Add("qos=1&retain=true&messageExpiry=5&contentType=a&responseTopic=b", "W3siYSI6IjEifV0=", "Nw==")
	f.Add("qos=-1&messageExpiry=99999999999999999999", "bnVsbA==", "")
	f.Add("responseTopic=%00&contentType=%ff", "W3t9XQ==", "?")
	f.Fuzz(func(t *testing.T, query, user, correlation string) {
		q, _ := url.ParseQuery(query) // what could be read of it, as net/http has it
		h := http.Header{}
		h.Set("x-amz-mqtt5-user-properties", user)
		h.Set("x-amz-mqtt5-correlation-data", correlation)
		m := Message{Topic: "a"}
		if err := m.describe(q, h); err != nil {
			if !errors.Is(err, errHeader) {
				t.Errorf("%v", err)
			}
			return
		}
		pk := m.packet()
		if code := pk.PublishValidate(0); code.Code != 0 || m.QoS > 1 || m.Expires < 0 || len(m.User) > maxProperties {
			t.Errorf("%+v: %v", m, code)
		}
	})
}
