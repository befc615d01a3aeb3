package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// What one pass takes into memory at most, beyond its first block.
const (
	passSamples = 512 << 10
	passText    = 32 << 20 // bytes of string values
)

// Run turns blocks into chunks until ctx ends. It holds up nobody: decoding and encoding happen beside the writer, which
// gets ready rows. What fails is logged and tried again; the blocks stay as they are meanwhile.
func (s *Store) Run(ctx context.Context) error {
	k := newCompactor(s)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for ctx.Err() == nil && k.next(ctx, time.Now()) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.backlog.wake:
		case <-tick.C:
		}
	}
}

// Compact turns every block that is there now into chunks. Run must not be running.
func (s *Store) Compact(ctx context.Context) error {
	k := newCompactor(s)
	for {
		thing, ok := s.backlog.take(time.Now().Add(dueAge))
		if !ok {
			return nil
		}
		if err := k.thing(ctx, thing); err != nil {
			return err
		}
	}
}

// compactor is the one that writes series, chunks and latest. One goroutine uses it.
type compactor struct {
	store   *Store
	dec     *wire.Decoder
	fast    *wire.Encoder // for what will soon be written again
	small   *wire.Encoder // for what stays
	failing bool

	spare   [][]telemetry.Sample // memory of columns of the pass before; let go when there is nothing to do
	scratch []telemetry.Sample   // of a page
}

func newCompactor(s *Store) *compactor {
	return &compactor{store: s, dec: wire.NewDecoder(), fast: wire.NewEncoder(wire.Fastest), small: wire.NewEncoder(wire.Balanced)}
}

// next compacts the thing that needs it most and says whether there may be another.
func (k *compactor) next(ctx context.Context, now time.Time) (more bool) {
	thing, ok := k.store.backlog.take(now)
	if !ok {
		k.spare, k.scratch = nil, nil
		return false
	}
	err := k.thing(ctx, thing)
	switch {
	case err == nil:
		if k.failing {
			k.store.log.Info("compaction works again")
		}
		k.failing = false
		return true
	case ctx.Err() == nil && !k.failing:
		k.failing = true
		k.store.log.Error("compaction: blocks stay as they came and queries get slower; it is tried again", "error", err)
	}
	k.store.backlog.add(thing, pile{since: now}) // later, not at once
	return false
}

// thing compacts blocks of one thing: one pass, so that no thing waits for another's flood. What is left goes back to the backlog.
func (k *compactor) thing(ctx context.Context, thing int64) error {
	p, err := k.gather(ctx, thing)
	if err != nil || len(p.raws) == 0 {
		return err
	}
	pages, err := k.pass(ctx, p)
	k.recycle(p)
	if err != nil {
		return fmt.Errorf("turn %d blocks into chunks: %w", len(p.raws), err)
	}
	if p.left.blocks > 0 {
		k.store.backlog.add(thing, p.left)
	}
	for _, page := range pages {
		if err := k.mergePage(ctx, page); err != nil {
			return fmt.Errorf("merge page %d: %w", page, err)
		}
	}
	return nil
}

// pass is the blocks that become chunks together.
type pass struct {
	thing   int64
	raws    []int64 // their ids, oldest first, those that can't be decoded left out
	columns map[string]*column
	samples int
	text    int
	left    pile // the blocks beyond these
}

func (p *pass) full() bool { return p.samples >= passSamples || p.text >= passText }

// gather decodes blocks of a thing, oldest first, until the pass is full.
func (k *compactor) gather(ctx context.Context, thing int64) (*pass, error) {
	p := &pass{thing: thing, columns: map[string]*column{}}
	waiting, err := k.waiting(ctx, thing)
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	for _, raw := range waiting {
		if p.full() {
			p.left.blocks++
			p.left.samples += raw.samples
			p.left.since = time.Now()
			continue
		}
		var data []byte
		err := k.store.readers.read(ctx, func(c *conn) error {
			return c.one(ctx, "SELECT data FROM raw WHERE id = ?", []any{raw.id}, &data)
		})
		if err != nil {
			return nil, fmt.Errorf("read block %d: %w", raw.id, err)
		}
		if err := k.decode(p, data); err == nil {
			p.raws = append(p.raws, raw.id)
		} else if err := k.setAside(ctx, raw.id, err); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// waiting lists a thing's blocks in order of arrival.
func (k *compactor) waiting(ctx context.Context, thing int64) ([]piece, error) {
	return k.list(ctx, "SELECT id, id, samples FROM raw WHERE thing = ? AND damaged = 0 ORDER BY id", thing)
}

// decode adds a block's samples to the columns: all of them or, when it is damaged, none.
func (k *compactor) decode(p *pass, block []byte) error {
	var col *column
	before := map[*column]int{}
	err := k.dec.Decode(block, func(name string, smp telemetry.Sample) bool {
		if col == nil || col.name != name {
			if col = p.columns[name]; col == nil {
				col = &column{name: name, samples: k.memory()}
				p.columns[name] = col
			}
			before[col] = len(col.samples)
		}
		col.samples = append(col.samples, smp)
		p.samples++
		p.text += len(smp.Value.Text())
		return true
	})
	if err != nil {
		for col, n := range before {
			col.samples = col.samples[:n]
		}
	}
	return err
}

// memory is an empty column, one of the pass before where there is one.
func (k *compactor) memory() (samples []telemetry.Sample) {
	if n := len(k.spare); n > 0 {
		samples, k.spare = k.spare[n-1], k.spare[:n-1]
	}
	return samples
}

// recycle takes the memory of a pass back; its texts are let go.
func (k *compactor) recycle(p *pass) {
	for _, col := range p.columns {
		clear(col.samples)
		k.spare = append(k.spare, col.samples[:0])
	}
	clear(k.scratch)
}

// setAside marks a block that was checked when it came and cannot be decoded now: the disk or a program has spoiled it.
// It stays, out of the way of queries.
func (k *compactor) setAside(ctx context.Context, id int64, cause error) error {
	k.store.log.Error("a stored block is damaged; it is kept in table raw for inspection", "id", id, "error", cause)
	return k.store.writer.write(ctx, func(c *conn) error {
		_, err := c.exec(context.Background(), "UPDATE raw SET damaged = 1 WHERE id = ?", id)
		return err
	})
}

// pass replaces the blocks by chunks in one transaction, and gives the pages that got one.
func (k *compactor) pass(ctx context.Context, p *pass) (pages []int64, err error) {
	var cat *catalog
	var latest map[string]telemetry.Sample
	err = k.store.readers.read(ctx, func(c *conn) (err error) {
		if cat, err = loadCatalog(ctx, c, p.thing); err != nil {
			return err
		}
		latest, _, err = loadLatest(ctx, c, k.dec, p.thing)
		return err
	})
	if err != nil {
		return nil, err
	}
	chunks, pages, err := k.chunks(p, cat)
	if err != nil {
		return nil, err
	}
	for name, col := range p.columns {
		advance(latest, name, col.samples[len(col.samples)-1]) // they are sorted by now
	}
	parts, err := encodeLatest(k.fast, latest)
	if err != nil {
		return nil, err
	}
	upto := p.raws[len(p.raws)-1]
	return pages, k.store.writer.write(ctx, func(c *conn) error {
		return errors.Join(cat.save(c), insertChunks(c, chunks), saveLatest(c, p.thing, upto, parts), deleteRaws(c, p.raws))
	})
}

func deleteRaws(c *conn, ids []int64) error {
	for _, id := range ids {
		if _, err := c.exec(context.Background(), "DELETE FROM raw WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

// chunks encodes the columns of a pass, one chunk a page. Points with very many samples are no exception: a page that got
// too many is taken apart at once, and among equal times the order of arrival stays right.
func (k *compactor) chunks(p *pass, cat *catalog) (made []chunk, pages []int64, err error) {
	for _, cols := range byPage(p.columns, cat) {
		page := cols[0].series >> pageBits
		if made, err = k.pageChunk(made, page, p.raws[0], cols); err != nil {
			return nil, nil, err
		}
		pages = append(pages, page)
	}
	return made, pages, nil
}

func (k *compactor) pageChunk(made []chunk, page, arrival int64, cols []*column) ([]chunk, error) {
	names, samples := make([]string, len(cols)), k.scratch[:0]
	for i, col := range cols {
		names[i] = seriesKey(col.series)
		sortByTime(col.samples)
		for _, smp := range col.samples {
			smp.Point = telemetry.PointID(i)
			samples = append(samples, smp)
		}
	}
	k.scratch = samples
	return encodeChunks(made, k.fast, chunk{level: levelPage, owner: page, arrival: arrival}, names, samples)
}
