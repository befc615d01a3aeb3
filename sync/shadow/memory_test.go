package shadow_test

import (
	"context"
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// memory is a Store that keeps bytes, as real ones do.
type memory struct {
	mu     sync.Mutex
	stored map[shadow.ID][]byte
}

func (m *memory) Load(_ context.Context, id shadow.ID) (shadow.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(id)
}

func (m *memory) load(id shadow.ID) (shadow.Document, error) {
	b, ok := m.stored[id]
	if !ok {
		return shadow.Document{}, nil
	}
	return shadow.Decode(b)
}

func (m *memory) Update(_ context.Context, id shadow.ID, fn func(*shadow.Document) error) (shadow.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.load(id)
	if err != nil {
		return d, err
	}
	if err := fn(&d); err != nil {
		return d, err
	}
	if m.stored == nil {
		m.stored = map[shadow.ID][]byte{}
	}
	m.stored[id] = d.Encode()
	return d, nil
}

// press is the shadow most tests are about.
var press = shadow.ID{Thing: "plant7:press"}

// counter is a desk with a clock that stands still until a test moves it.
type counter struct {
	t    *testing.T
	desk shadow.Desk
	now  time.Time
}

func open(t *testing.T) *counter {
	return &counter{t: t, desk: shadow.Desk{Store: &memory{}}, now: time.Unix(1_700_000_000, 0)}
}

func (c *counter) call(op shadow.Op, payload string) shadow.Reply {
	c.t.Helper()
	r, err := c.desk.Answer(c.t.Context(), shadow.Call{ID: press, Op: op, Payload: []byte(payload)}, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *counter) update(payload string) shadow.Reply {
	c.t.Helper()
	r := c.call(shadow.OpUpdate, payload)
	if r.Refused != nil {
		c.t.Fatalf("%s was refused: %v", payload, r.Refused)
	}
	return r
}

// refused expects code and message.
func (c *counter) refused(op shadow.Op, payload string, code int, message string) {
	c.t.Helper()
	r := c.call(op, payload)
	if r.Refused == nil || r.Refused.Code != code || r.Refused.Message != message {
		c.t.Errorf("%s %.80s: %v, want %d %s", op, payload, r.Refused, code, message)
	}
}

// get is the state and the rest of what get answers.
func (c *counter) get() string {
	c.t.Helper()
	return string(c.call(shadow.OpGet, "").Payload)
}

// find is the payload of the message on one topic; empty when there was none.
func find(r shadow.Reply, topic string) string {
	for _, m := range r.Messages {
		if m.Topic == topic {
			return string(m.Payload)
		}
	}
	return ""
}

func same(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%q is not JSON: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%q is not JSON: %v", want, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// part is one member of a JSON object.
func part(t *testing.T, object, key string) string {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &o); err != nil {
		t.Fatalf("%q: %v", object, err)
	}
	return string(o[key])
}
