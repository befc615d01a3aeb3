package flow_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/flow"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a sink that the test fills up and frees.
type disk struct {
	mu      sync.Mutex
	full    bool
	journal []buffer.Record
	sealed  []buffer.Record
	tries   int
}

var errFull = errors.New("no space left on device")

func (d *disk) Journal(_ context.Context, data []byte, samples uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.full {
		return errFull
	}
	d.journal = append(d.journal, buffer.Record{Samples: samples, Data: append([]byte(nil), data...)})
	return nil
}

func (d *disk) Seal(_ context.Context, recs ...buffer.Record) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.full {
		return 0, errFull
	}
	d.journal, d.sealed = nil, append(d.sealed, recs...)
	return uint64(len(d.sealed)), nil
}

func (d *disk) fill(on bool) { d.mu.Lock(); defer d.mu.Unlock(); d.full = on }

func (d *disk) blocks() []buffer.Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]buffer.Record(nil), d.sealed...)
}

func (d *disk) journalled() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.journal {
		n += int(r.Samples)
	}
	return n
}

// points makes the points press.a, press.b ... all alike.
func points(n int, shape config.Point) []config.Point {
	list := make([]config.Point, n)
	for i := range list {
		list[i] = shape
		list[i].Point = adapters.Point{ID: telemetry.PointID(i), Device: "press", Name: string(rune('a' + i))}
	}
	return list
}

// site is a flow under way in virtual time.
type site struct {
	*flow.Flow
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, pts []config.Point, to flow.Sink, o flow.Options) *site {
	ctx, cancel := context.WithCancel(t.Context())
	s := &site{Flow: flow.New(pts, to, o, slog.New(slog.DiscardHandler)), t: t, stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- s.Run(ctx) }()
	synctest.Wait()
	return s
}

// end stops the flow and gives Run's error.
func (s *site) end() error {
	s.stop()
	return <-s.done
}

// read puts one value of one point, as an adapter does.
func (s *site) read(id telemetry.PointID, v telemetry.Value) {
	s.Put([]telemetry.Sample{{Point: id, Value: v, Time: time.Now().UnixNano()}})
}

// numbers are the values in blocks, in order.
func numbers(t *testing.T, recs []buffer.Record) (list []int64) {
	t.Helper()
	for _, s := range samples(t, recs) {
		list = append(list, int64(s.Value.Bits()))
	}
	return list
}

func samples(t *testing.T, recs []buffer.Record) (list []telemetry.Sample) {
	t.Helper()
	d := wire.NewDecoder()
	for _, r := range recs {
		before := len(list)
		err := d.Decode(r.Data, func(_ string, s telemetry.Sample) bool {
			list = append(list, s)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list) - before; n != int(r.Samples) {
			t.Errorf("a record says %d samples and holds %d", r.Samples, n)
		}
	}
	return list
}

// moody is a sink that refuses to seal while it has an error to give.
type moody struct {
	flow.Sink
	mood error
}

func (m *moody) Seal(ctx context.Context, recs ...buffer.Record) (uint64, error) {
	if m.mood != nil {
		return 0, m.mood
	}
	return m.Sink.Seal(ctx, recs...)
}

// counting counts what is logged by level.
type counting struct {
	slog.Handler
	said map[string]int
}

func (c *counting) Enabled(context.Context, slog.Level) bool { return true }
func (c *counting) Handle(_ context.Context, r slog.Record) error {
	c.said[r.Level.String()]++
	return nil
}
