package shadow_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/shadow"
	"github.com/penstock-edge/penstock/gateway/state"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// press is the shadow that most tests are about.
var press = doc.ID{Thing: "plant7:press"}

// points are press.speed, which may be set, and press.temp, which is only reported.
const (
	speed telemetry.PointID = iota
	temp
)

func plant() *config.Config {
	point := func(id telemetry.PointID, name string) config.Point {
		return config.Point{Point: adapters.Point{ID: id, Device: "press", Name: name}}
	}
	return &config.Config{
		Points: []config.Point{point(speed, "speed"), point(temp, "temp")},
		Cloud:  []config.Target{{Shadow: []telemetry.PointID{speed}, Report: []telemetry.PointID{temp}}},
	}
}

// edge is a gateway's shadows with a cloud that can be cut off.
type edge struct {
	t     *testing.T
	dir   string
	sync  doc.Sync
	db    *state.DB
	m     *shadow.Mirror
	stop  func()
	cloud *cloud

	mu     sync.Mutex
	orders []shadow.Order
	answer func(shadow.Order) shadow.Result // nil: done
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	e := &edge{t: t, dir: t.TempDir(), cloud: &cloud{docs: map[doc.ID]doc.Document{}}}
	e.cloud.desk = doc.Desk{Store: e.cloud}
	return e
}

// start opens the state and runs the mirror; it is not connected.
func (e *edge) start() {
	e.t.Helper()
	db, err := state.Open(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	m, err := shadow.New(plant(), db, shadow.Options{
		Gateway: "plant7", Write: e.write, Publish: e.cloud.publish, Sync: e.sync, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	e.db, e.m = db, m
	e.stop = func() {
		e.t.Helper()
		e.cloud.cut()
		cancel()
		if err := errors.Join(<-done, db.Close()); err != nil {
			e.t.Error(err)
		}
	}
}

func (e *edge) restart() { e.t.Helper(); e.stop(); e.start() }

// connect connects and waits until nothing moves any more.
func (e *edge) connect() {
	e.cloud.connect(e.m)
	e.quiet()
}

// quiet lets a few seconds pass: everything that was going to happen has.
func (e *edge) quiet() { time.Sleep(5 * time.Second); synctest.Wait() }

func (e *edge) write(_ context.Context, o shadow.Order) shadow.Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	repeated := slices.ContainsFunc(e.orders, func(before shadow.Order) bool { return before.Key == o.Key })
	e.orders = append(e.orders, o)
	if e.answer != nil {
		return e.answer(o)
	}
	return shadow.Result{Done: true, Value: o.Value, Repeated: repeated}
}

// written are the values of all orders.
func (e *edge) written() (list []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.orders {
		list = append(list, o.Value.String())
	}
	return list
}

// read puts a reading in.
func (e *edge) read(point telemetry.PointID, v float64) {
	e.m.Put([]telemetry.Sample{{Point: point, Value: telemetry.Float64(v), Time: time.Now().UnixNano()}})
}

// update changes a shadow here.
func (e *edge) update(id doc.ID, state string) {
	e.t.Helper()
	reply, err := e.m.Answer(e.t.Context(), doc.Call{ID: id, Op: doc.OpUpdate, Payload: []byte(`{"state":` + state + `}`)})
	if err != nil || reply.Refused != nil {
		e.t.Fatalf("update %s: %v %v", state, reply.Refused, err)
	}
}

// local is the state of a shadow here.
func (e *edge) local(id doc.ID) doc.State {
	e.t.Helper()
	reply, err := e.m.Answer(e.t.Context(), doc.Call{ID: id, Op: doc.OpGet})
	if err != nil || reply.Refused != nil {
		return doc.State{}
	}
	a, err := doc.ParseAnswer(reply.Payload, doc.Limits{})
	if err != nil {
		e.t.Fatal(err)
	}
	d, err := a.Document()
	if err != nil {
		e.t.Fatal(err)
	}
	return d.State()
}

// same wants both sides to hold this.
func (e *edge) same(id doc.ID, desired, reported string) {
	e.t.Helper()
	for where, got := range map[string]doc.State{"here": e.local(id), "in the cloud": e.cloud.state(id)} {
		for what, pair := range map[string][2]any{"desired": {got.Desired, parse(e.t, desired)}, "reported": {got.Reported, parse(e.t, reported)}} {
			if !doc.Equal(orEmpty(pair[0]), orEmpty(pair[1])) {
				e.t.Errorf("%s %s is %v, want %v", what, where, pair[0], pair[1])
			}
		}
	}
}

func orEmpty(v any) any {
	if o, ok := v.(doc.Object); ok && len(o) > 0 {
		return o
	}
	return doc.Object{}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v doc.Object
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// cloud serves shadows as AWS IoT does, to one gateway.
type cloud struct {
	desk doc.Desk

	mu    sync.Mutex
	docs  map[doc.ID]doc.Document
	to    *shadow.Mirror
	link  context.Context
	end   context.CancelFunc
	asked int // requests of the gateway

	serving sync.Mutex // held round these, and round the answers

	before func(doc.Topic) bool // a request is lost, and the line with it
	after  func(doc.Topic) bool // it is carried out, and its answer is lost, and the line with it
	refuse func(doc.Topic) *doc.Error
	first  func(doc.Topic) // runs before a request is carried out
}

// silence as the code of a refusal: there is no answer at all.
const silence = -1

func (c *cloud) Load(_ context.Context, id doc.ID) (doc.Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.docs[id], nil
}

func (c *cloud) Update(_ context.Context, id doc.ID, fn func(*doc.Document) error) (doc.Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.docs[id]
	if err := fn(&d); err != nil {
		return c.docs[id], err
	}
	c.docs[id] = d
	return d, nil
}

func (c *cloud) state(id doc.ID) doc.State {
	d, _ := c.Load(context.Background(), id)
	return d.State()
}

func (c *cloud) connect(m *shadow.Mirror) {
	c.mu.Lock()
	c.to = m
	c.link, c.end = context.WithCancel(context.Background())
	link := c.link
	c.mu.Unlock()
	m.Connected(link)
}

func (c *cloud) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		c.end()
	}
	c.to = nil
}

// publish is the gateway's request.
func (c *cloud) publish(ctx context.Context, topic string, payload []byte) error {
	t, err := doc.ParseTopic(topic)
	if err != nil {
		return err
	}
	c.mu.Lock()
	on := c.to != nil
	c.asked++
	before, after, refuse, first := c.before, c.after, c.refuse, c.first
	c.mu.Unlock()
	c.serving.Lock()
	cut := !on || before != nil && before(t)
	c.serving.Unlock()
	if cut {
		c.cut()
		<-ctx.Done() // no answer ever comes
		return ctx.Err()
	}
	c.serving.Lock()
	defer c.serving.Unlock()
	if first != nil {
		first(t)
	}
	call := doc.Call{ID: t.ID, Op: t.Op, Payload: payload}
	if refuse != nil {
		if e := refuse(t); e != nil {
			if e.Code == silence {
				return nil
			}
			a, _ := doc.ParseQuery(payload, doc.Limits{})
			e.Token = a.Token
			c.say(doc.Refuse(call, e, time.Now()).Messages)
			return nil
		}
	}
	reply, err := c.desk.Answer(ctx, call, time.Now())
	if err != nil {
		return err
	}
	if after != nil && after(t) {
		c.cut()
		return nil
	}
	c.say(reply.Messages)
	return nil
}

func (c *cloud) say(messages []doc.Message) {
	c.mu.Lock()
	to := c.to
	c.mu.Unlock()
	for _, m := range messages {
		if to != nil {
			to.Receive(m.Topic, m.Payload)
		}
	}
}

// set is a person's edit in the cloud.
func (c *cloud) set(t *testing.T, id doc.ID, state string) {
	t.Helper()
	reply, err := c.desk.Answer(context.Background(), doc.Call{ID: id, Op: doc.OpUpdate, Payload: []byte(`{"state":` + state + `}`)}, time.Now())
	if err != nil || reply.Refused != nil {
		t.Fatalf("set %s: %v %v", state, reply.Refused, err)
	}
	c.say(reply.Messages)
}

// count is how many requests the gateway has sent since the last count.
func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.asked
	c.asked = 0
	return n
}

// story runs a test in a time of its own.
func story(t *testing.T, tell func(t *testing.T, e *edge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.start()
		tell(t, e)
		e.stop()
	})
}
