package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// When the chunks of a page are taken apart into chunks of its points.
const (
	mergeChunks  = 16
	mergeSamples = 256 << 10
)

// byPage numbers the columns and groups them by page, in order of number.
func byPage(columns map[string]*column, cat *catalog) [][]*column {
	for _, name := range slices.Sorted(maps.Keys(columns)) { // by name, so that new points that belong together share a page
		columns[name].series = cat.number(name).id
	}
	all := slices.SortedFunc(maps.Values(columns), func(a, b *column) int { return cmp.Compare(a.series, b.series) })
	var pages [][]*column
	for i, col := range all {
		if i == 0 || col.series>>pageBits != all[i-1].series>>pageBits {
			pages = append(pages, nil)
		}
		pages[len(pages)-1] = append(pages[len(pages)-1], col)
	}
	return pages
}

// piece is a block that waits, or a chunk that goes into a merge.
type piece struct {
	id      int64
	arrival int64
	samples int
}

// mergePage takes a page's chunks apart, once there are enough of them, and puts the samples of each point into chunks of
// its own, together with those of its growing chunks that are no bigger: so every sample is written again at most as often as
// a full chunk has doublings, and a point has at most that many growing chunks.
func (k *compactor) mergePage(ctx context.Context, page int64) error {
	pieces, err := k.pieces(ctx, levelPage, page)
	if err != nil {
		return err
	}
	samples := 0
	for _, p := range pieces {
		samples += p.samples
	}
	if len(pieces) < mergeChunks && samples < mergeSamples {
		return nil
	}
	columns, err := k.columns(ctx, pieces)
	if err != nil {
		return err
	}
	var made []chunk
	used := ids(pieces)
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		grown, absorbed, err := k.grow(ctx, columns[name], pieces[0].arrival)
		if err != nil {
			return fmt.Errorf("series %s: %w", name, err)
		}
		made, used = append(made, grown...), append(used, absorbed...)
	}
	return k.store.writer.write(ctx, func(c *conn) error {
		return errors.Join(insertChunks(c, made), widenAll(c, made), deleteChunks(c, used))
	})
}

// pieces lists the chunks of an owner in order of arrival.
func (k *compactor) pieces(ctx context.Context, level int, owner int64) ([]piece, error) {
	return k.list(ctx, "SELECT id, arrival, samples FROM chunk WHERE level = ? AND owner = ? ORDER BY arrival, id", level, owner)
}

func (k *compactor) list(ctx context.Context, query string, args ...any) (found []piece, err error) {
	err = k.store.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, query, args, func(scan func(...any) error) error {
			var p piece
			err := scan(&p.id, &p.arrival, &p.samples)
			found = append(found, p)
			return err
		})
	})
	return found, err
}

// columns decodes chunks, which are in order of arrival, into the samples of each series.
func (k *compactor) columns(ctx context.Context, pieces []piece) (map[string]*column, error) {
	columns := map[string]*column{}
	for _, p := range pieces {
		err := k.decodeChunk(ctx, p.id, func(name string, smp telemetry.Sample) bool {
			col := columns[name]
			if col == nil {
				col = &column{name: name}
				columns[name] = col
			}
			col.samples = append(col.samples, smp)
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return columns, nil
}

func (k *compactor) decodeChunk(ctx context.Context, id int64, yield func(string, telemetry.Sample) bool) error {
	var data []byte
	err := k.store.readers.read(ctx, func(c *conn) error {
		return c.one(ctx, "SELECT data FROM chunk WHERE id = ?", []any{id}, &data)
	})
	if err == nil {
		err = k.dec.Decode(data, yield)
	}
	if err != nil {
		return fmt.Errorf("chunk %d: %w", id, err)
	}
	return nil
}

// grow makes the chunks of one series from col, which arrived last, and from the growing chunks before it that are no bigger.
func (k *compactor) grow(ctx context.Context, col *column, arrival int64) (made []chunk, absorbed []int64, err error) {
	series, err := parseKey(col.name)
	if err != nil {
		return nil, nil, err
	}
	growing, err := k.pieces(ctx, levelGrowing, series)
	if err != nil {
		return nil, nil, err
	}
	from, sum := len(growing), len(col.samples)
	for from > 0 && growing[from-1].samples <= sum {
		from--
		sum += growing[from].samples
		arrival = growing[from].arrival
	}
	samples := make([]telemetry.Sample, 0, sum)
	for _, p := range growing[from:] {
		err := k.decodeChunk(ctx, p.id, func(_ string, smp telemetry.Sample) bool {
			samples = append(samples, smp)
			return true
		})
		if err != nil {
			return nil, nil, err
		}
	}
	samples = append(samples, col.samples...)
	sortByTime(samples)
	made, err = encodePointChunks(k.small, series, arrival, samples)
	return made, ids(growing[from:]), err
}

func ids(pieces []piece) []int64 {
	found := make([]int64, len(pieces))
	for i, p := range pieces {
		found[i] = p.id
	}
	return found
}

// widenAll keeps series.span true to chunks of single points.
func widenAll(c *conn, made []chunk) error {
	for _, ch := range made {
		if err := widen(c, ch.owner, ch.span()); err != nil {
			return err
		}
	}
	return nil
}
