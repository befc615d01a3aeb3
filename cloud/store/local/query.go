package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// windowSamples is how much of a long query is fetched at once. Between the windows no snapshot is held, so a slow reader
// keeps nobody from cleaning up; memory is bounded by a window.
const windowSamples = 256 << 10

// target is a query with its names looked up.
type target struct {
	thing  int64
	point  string
	series int64 // 0: no chunk has the point yet
	span   int64 // no chunk of the point covers more time
}

// source is a block or chunk that has samples of the point.
type source struct {
	id, first, last, arrival int64
	samples                  int
	table                    string
	key                      string // the point's name in it
	data                     []byte
}

// window is what a stretch of time is read from: every sample up to and including last is in its sources.
type window struct {
	sources []source
	last    int64
}

// Range implements cloud.TelemetryStore. Times equal, the order of arrival decides. What arrives while it runs may or may not be seen.
func (s *Store) Range(ctx context.Context, q cloud.Query, yield func(telemetry.Sample) bool) error {
	from, last, ok := bounds(q)
	if !ok {
		return nil
	}
	var err error
	if q.Last > 0 {
		err = s.lastOnes(ctx, q, from, last, yield)
	} else {
		err = s.stretch(ctx, q, from, last, yield)
	}
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", q.Point, q.Thing, err)
	}
	return nil
}

// stretch gives the samples from the time from up to and including last, window by window.
func (s *Store) stretch(ctx context.Context, q cloud.Query, from, last int64, yield func(telemetry.Sample) bool) error {
	m := s.mergers.Get().(*merger)
	defer s.mergers.Put(m)
	for {
		w, err := s.window(ctx, q, from, last)
		if err != nil {
			return err
		}
		more, err := m.merge(w, from, yield)
		if err != nil || !more || w.last >= last {
			return err
		}
		from = w.last + 1
	}
}

// bounds are the first and last time that a query asks for, both included.
func bounds(q cloud.Query) (from, last int64, ok bool) {
	from, last = math.MinInt64, math.MaxInt64
	if q.From != 0 {
		from = q.From
	}
	if q.To != 0 {
		if q.To == math.MinInt64 {
			return 0, 0, false
		}
		last = q.To - 1
	}
	return from, last, from <= last
}

// lookUp finds the point. The point of a block that is no chunk yet has no series.
func lookUp(ctx context.Context, c *conn, q cloud.Query) (t target, err error) {
	t.point = q.Point
	if t.thing, err = thingID(ctx, c, q.Thing); err != nil {
		return t, err
	}
	err = c.one(ctx, "SELECT id, span FROM series WHERE thing = ? AND point = ?", []any{t.thing, q.Point}, &t.series, &t.span)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return t, err
}

// window fetches sources for the time from on, in one snapshot.
func (s *Store) window(ctx context.Context, q cloud.Query, from, last int64) (w window, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		t, err := lookUp(ctx, c, q)
		if err != nil {
			return err
		}
		if w, err = pointChunks(ctx, c, t, from, last); err != nil {
			return err
		}
		if err = w.addPages(ctx, c, t, from); err != nil {
			return err
		}
		if err = w.addRaws(ctx, c, t, from); err != nil {
			return err
		}
		if err = w.addDoubtful(ctx, c, t, from); err != nil {
			return err
		}
		return w.fetch(ctx, c)
	})
	slices.SortStableFunc(w.sources, func(a, b source) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return 1
		}
		return 0
	})
	return w, err
}

// pointChunks chooses the chunks of the point itself: enough for a window that ends where the next chunk begins.
func pointChunks(ctx context.Context, c *conn, t target, from, last int64) (window, error) {
	w := window{last: last}
	if t.series == 0 {
		return w, nil
	}
	query := `SELECT id, first, last, arrival, samples FROM chunk WHERE level = 1 AND owner = ?1 AND first BETWEEN ?2 AND ?3 AND last >= ?4
		UNION ALL SELECT id, first, last, arrival, samples FROM chunk WHERE level = 2 AND owner = ?1 AND first BETWEEN ?2 AND ?3 AND last >= ?4
		ORDER BY first`
	earliest := from - t.span
	if earliest > from {
		earliest = math.MinInt64
	}
	key, samples := seriesKey(t.series), 0
	err := c.each(ctx, query, []any{t.series, earliest, last, from}, func(scan func(...any) error) error {
		src := source{key: key, table: "chunk"}
		if err := scan(&src.id, &src.first, &src.last, &src.arrival, &src.samples); err != nil {
			return err
		}
		if samples >= windowSamples && src.first > from {
			w.last = src.first - 1
			return errStop
		}
		samples += src.samples
		w.sources = append(w.sources, src)
		return nil
	})
	return w, err
}

func (w *window) addPages(ctx context.Context, c *conn, t target, from int64) error {
	if t.series == 0 {
		return nil
	}
	query := "SELECT id, first, last, arrival, samples FROM chunk WHERE level = 0 AND owner = ? AND first <= ? AND last >= ?"
	return w.add(ctx, c, source{key: seriesKey(t.series), table: "chunk"}, query, t.series>>pageBits, w.last, from)
}

func (w *window) addRaws(ctx context.Context, c *conn, t target, from int64) error {
	query := "SELECT id, first, last, id, samples FROM raw WHERE thing = ? AND damaged = 0 AND first <= ? AND last >= ?"
	return w.add(ctx, c, source{key: t.point, table: "raw"}, query, t.thing, w.last, from)
}

func (w *window) addDoubtful(ctx context.Context, c *conn, t target, from int64) error {
	query := "SELECT id, first, last, id, samples FROM doubtful WHERE thing = ? AND first <= ? AND last >= ?"
	return w.add(ctx, c, source{key: t.point, table: "doubtful"}, query, t.thing, w.last, from)
}

func (w *window) add(ctx context.Context, c *conn, src source, query string, args ...any) error {
	return c.each(ctx, query, args, func(scan func(...any) error) error {
		err := scan(&src.id, &src.first, &src.last, &src.arrival, &src.samples)
		w.sources = append(w.sources, src)
		return err
	})
}

func (w *window) fetch(ctx context.Context, c *conn) error {
	for i := range w.sources {
		query := "SELECT data FROM " + w.sources[i].table + " WHERE id = ?"
		if err := c.one(ctx, query, []any{w.sources[i].id}, &w.sources[i].data); err != nil {
			return err
		}
	}
	return nil
}
