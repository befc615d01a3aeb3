package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// newestThings is how many things' latest states are kept in memory; the others are read again when asked for.
const newestThings = 256

// newest keeps the latest states of the things somebody asked for, so that asking again decodes only what came since.
type newest struct {
	mu     sync.Mutex
	things map[int64]*state
}

// state is the newest sample of every point of a thing.
type state struct {
	mu     sync.Mutex
	upto   int64 // the last raw id in it
	points map[string]telemetry.Sample
}

func newNewest() *newest { return &newest{things: map[int64]*state{}} }

func (n *newest) of(thing int64) *state {
	n.mu.Lock()
	defer n.mu.Unlock()
	if st, ok := n.things[thing]; ok {
		return st
	}
	for id := range n.things {
		if len(n.things) < newestThings {
			break
		}
		delete(n.things, id)
	}
	st := &state{upto: -1}
	n.things[thing] = st
	return st
}

// advance takes smp when it is newer than what is known of the point, or as new and arrived later.
func advance(points map[string]telemetry.Sample, name string, smp telemetry.Sample) {
	if known, ok := points[name]; !ok || smp.Time >= known.Time {
		points[name] = smp
	}
}

// Latest implements cloud.TelemetryStore.
func (s *Store) Latest(ctx context.Context, thing string) (points []cloud.PointState, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		id, err := thingID(ctx, c, thing)
		if err != nil {
			return err
		}
		st := s.newest.of(id)
		st.mu.Lock()
		defer st.mu.Unlock()
		if err := s.catchUp(ctx, c, id, st); err != nil {
			return err
		}
		m := s.mergers.Get().(*merger)
		defer s.mergers.Put(m)
		shown, err := overlay(ctx, c, m, id, st.points)
		points = list(shown)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("latest of %s: %w", thing, err)
	}
	return points, nil
}

func list(of map[string]telemetry.Sample) []cloud.PointState {
	points := make([]cloud.PointState, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		smp := of[name]
		points = append(points, cloud.PointState{Point: name, Time: smp.Time, Value: smp.Value, Quality: smp.Quality})
	}
	return points
}

// catchUp brings st to what c sees. When compaction has passed it by, it starts from what compaction left.
func (s *Store) catchUp(ctx context.Context, c *conn, thing int64, st *state) error {
	m := s.mergers.Get().(*merger)
	defer s.mergers.Put(m)
	dec := m.dec
	compacted, err := latestUpto(ctx, c, thing)
	if err == nil && compacted > st.upto {
		st.points, st.upto, err = loadLatest(ctx, c, dec, thing)
	}
	if err != nil {
		return err
	}
	query := "SELECT id, data FROM raw WHERE thing = ? AND damaged = 0 AND id > ? ORDER BY id"
	return c.each(ctx, query, []any{thing, st.upto}, func(scan func(...any) error) error {
		var id int64
		var data []byte
		if err := scan(&id, &data); err != nil {
			return err
		}
		fresh := map[string]telemetry.Sample{}
		err := dec.Decode(data, func(name string, smp telemetry.Sample) bool {
			advance(fresh, name, smp)
			return true
		})
		if err != nil {
			clear(fresh) // compaction sets the block aside and says so
		}
		for name, smp := range fresh {
			advance(st.points, name, smp)
		}
		st.upto = id
		return nil
	})
}

// latestUpto is the raw id up to which compaction has come; 0 when it never has.
func latestUpto(ctx context.Context, c *conn, thing int64) (upto int64, err error) {
	err = c.one(ctx, "SELECT coalesce(max(upto), 0) FROM latest WHERE thing = ?", []any{thing}, &upto)
	return upto, err
}

func loadLatest(ctx context.Context, c *conn, dec *wire.Decoder, thing int64) (points map[string]telemetry.Sample, upto int64, err error) {
	points = map[string]telemetry.Sample{}
	err = c.each(ctx, "SELECT upto, data FROM latest WHERE thing = ? ORDER BY part", []any{thing}, func(scan func(...any) error) error {
		var data []byte
		if err := scan(&upto, &data); err != nil {
			return err
		}
		return dec.Decode(data, func(name string, smp telemetry.Sample) bool {
			points[name] = smp
			return true
		})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the latest values: %w", err)
	}
	return points, upto, nil
}

// encodeLatest makes blocks of the points, one unless their texts are too much for that.
func encodeLatest(enc *wire.Encoder, points map[string]telemetry.Sample) (parts [][]byte, err error) {
	names := slices.Sorted(maps.Keys(points))
	samples := make([]telemetry.Sample, len(names))
	for i, name := range names {
		samples[i] = points[name]
	}
	return encodeParts(nil, enc, names, samples)
}

func encodeParts(parts [][]byte, enc *wire.Encoder, names []string, samples []telemetry.Sample) ([][]byte, error) {
	for i := range samples {
		samples[i].Point = telemetry.PointID(i)
	}
	data, err := enc.AppendBlock(nil, names, samples)
	if errors.Is(err, wire.ErrTooMuch) && len(samples) > 1 {
		half := len(samples) / 2
		if parts, err = encodeParts(parts, enc, names[:half], samples[:half]); err != nil {
			return nil, err
		}
		return encodeParts(parts, enc, names[half:], samples[half:])
	}
	if err != nil {
		return nil, fmt.Errorf("encode the latest values: %w", err)
	}
	return append(parts, data), nil
}

func saveLatest(c *conn, thing, upto int64, parts [][]byte) error {
	bg := context.Background()
	if _, err := c.exec(bg, "DELETE FROM latest WHERE thing = ?", thing); err != nil {
		return err
	}
	for i, data := range parts {
		if _, err := c.exec(bg, "INSERT INTO latest (thing, part, upto, data) VALUES (?, ?, ?, ?)", thing, i, upto, data); err != nil {
			return err
		}
	}
	return nil
}
