package buffer

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Thin makes records coarser: it gives as many as it got, in their order, with fewer samples, each no larger than it was. The records lie beside each
// other in the log and are for the same cursors, so a sample of one may stand for those of its neighbours. Level is how coarse, from 1; a record has
// been through the levels before, or its neighbours have. What it gives back unchanged can be made no coarser. It is called by one goroutine
// at a time, with a page's worth of bytes or one large record.
type Thin func(level int, recs []Record) ([]Record, error)

// Levels is how coarse records become at most.
const Levels = 3

// maxRun is how many pages are thinned together, if their bytes are few enough.
const maxRun = 512

// thinning is a page that gives way to a coarser one.
type thinning struct {
	page    *page
	level   uint8
	body    []byte
	samples []uint32 // of each record, afterwards
	lost    []uint32 // by each
	thinned uint64   // the transaction
}

// thin makes room for what comes: page after page is made coarser, oldest and least first, and none a second time before all have been once.
func (q *Queue) thin(batch []*request) {
	if q.o.Full != Downsample || q.o.Thin == nil {
		return
	}
	for {
		q.mu.Lock()
		pages := q.fine(batch)
		views := make([]view, len(pages))
		for i, p := range pages {
			views[i] = view{page: p, first: p.first, count: p.count, class: p.class, at: p.at, bytes: p.bytes, place: p.place(), gone: p.whole.gone.within(p.first, p.last())}
		}
		q.mu.Unlock()
		if len(pages) == 0 {
			return
		}
		level := pages[0].level + 1
		list, err := q.coarser(int(level), views)
		if err != nil {
			q.o.Log.Error("records of the buffer cannot be made coarser; they stay until they give way", "from", views[0].first, "err", err)
			level = Levels
		}
		if len(list) == 0 { // nothing is gained
			q.mu.Lock()
			for _, p := range pages {
				p.level = level
			}
			q.mu.Unlock()
			continue
		}
		q.mu.Lock()
		c := q.change()
		c.thin = list
		for _, t := range list {
			c.grown += int64(len(t.body))
		}
		c.state = q.state()
		c.book(q, &c.state)
		q.mu.Unlock()
		if err := q.carryOut(&c); err != nil {
			q.o.Log.Warn("no room is made in the buffer", "err", err)
			return
		}
	}
}

// fine are the pages to be made coarser next: neighbours for the same cursors, as coarse as each other. None: there is room, or nothing can be coarser.
// It holds q.mu.
func (q *Queue) fine(batch []*request) (run []*page) {
	over := q.bytes - q.o.MaxBytes
	for _, r := range batch {
		for _, rec := range r.recs {
			over += int64(recordHeader + len(rec.Data))
		}
	}
	if over <= 0 {
		return nil
	}
	for _, class := range []Class{Normal, Keep} {
		for level := range uint8(Levels) {
			if run = q.indexes[class].run(level); run != nil {
				return run
			}
		}
	}
	return nil
}

// run is the first pages of a level that lie beside each other.
func (x *index) run(level uint8) (run []*page) {
	bytes := uint32(0)
	for _, p := range x.pages {
		switch {
		case !alive(p):
		case p.level == level && (run == nil || p.slots == run[0].slots && p.all == run[0].all && bytes+p.bytes <= maxPage && len(run) < maxRun):
			run, bytes = append(run, p), bytes+p.bytes
		case run != nil:
			return run
		}
	}
	return run
}

// coarser reads pages and has their records thinned; it gives none when that gains less than an eighth of the bytes.
func (q *Queue) coarser(level int, views []view) (list []thinning, err error) {
	var recs []Record
	before, after := 0, 0
	for _, v := range views {
		more, err := v.records()
		if err != nil {
			return nil, err
		}
		recs, before = append(recs, more...), before+int(v.bytes)
	}
	thin, err := q.o.Thin(level, recs)
	if err == nil && len(thin) != len(recs) {
		err = fmt.Errorf("%d records became %d", len(recs), len(thin))
	}
	if err != nil {
		return nil, err
	}
	for _, v := range views {
		t := thinning{page: v.page, level: uint8(level)}
		for seq := v.first; seq <= v.last(); seq++ {
			r, lost := Record{Seq: seq, Class: v.class}, uint32(0) // nobody waits for it any more
			if !v.gone.has(seq) {
				r, lost = recs[0], 0
				if x := thin[0]; len(x.Data) <= len(r.Data) && x.Samples <= r.Samples {
					r.Data, r.Samples, lost = x.Data, x.Samples, r.Samples-x.Samples
				}
				recs, thin = recs[1:], thin[1:]
			}
			t.body = appendRecord(t.body, r)
			t.samples, t.lost = append(t.samples, r.Samples), append(t.lost, lost)
		}
		list, after = append(list, t), after+len(t.body)
	}
	if after > before-before/8 {
		return nil, nil
	}
	return list, nil
}

// records reads those of a page that somebody waits for. One that is damaged is left to who reads it: nothing of the page is touched.
func (v *view) records() (recs []Record, err error) {
	h := haul{segment: v.page.segment, path: v.page.segment.path, db: v.page.segment.bolt} // the committer alone changes where a page lies
	defer h.close()
	b, err := h.read(*v)
	for seq := v.first; seq <= v.last() && err == nil; seq++ {
		var r Record
		if r, b, err = parseRecord(b, seq, v.class); err == nil && !v.gone.has(seq) {
			recs = append(recs, r)
		}
	}
	return recs, err
}

// after is the page as it will be.
func (t *thinning) after() *page {
	p := *t.page
	p.level, p.thinned, p.bytes, p.samples = t.level, t.thinned, uint32(len(t.body)), 0
	for _, n := range t.samples {
		p.samples += uint64(n)
	}
	return &p
}

// writeThin puts pages beside those they take the place of; these are deleted with the next transaction, when nobody can say any more that this one
// failed.
func (c *change) writeThin(tx *bbolt.Tx) error {
	for i := range c.thin {
		t := &c.thin[i]
		t.thinned = uint64(tx.ID())
		if err := putBody(tx.Bucket(thinnedBucket), t.after().place().key, t.body); err != nil {
			return err
		}
	}
	return nil
}

// coarsen books what thinning takes from the records of a page, for every cursor that waits for them.
func (st *state) coarsen(t thinning, cursors []*Cursor) {
	p := t.page
	for _, x := range p.whole.holes(p.first, p.last()) {
		st.dropped.add(Downsampled, t.loses(x))
	}
	for i, c := range cursors {
		for _, x := range p.of(c).holes(p.first, p.last()) {
			d := t.loses(x)
			if d.Samples == 0 {
				continue
			}
			st.cursors[i].losses.add(Loss{From: x.from, To: x.to, Samples: d.Samples, Reason: Downsampled, Class: p.class})
			st.cursors[i].dropped.add(Downsampled, d)
		}
	}
}

// loses is how many records of a run become coarser, and by how many samples.
func (t *thinning) loses(x run) (d Dropped) {
	for _, n := range t.lost[x.from-t.page.first : x.to-t.page.first+1] {
		if n > 0 {
			d.Records, d.Samples = d.Records+1, d.Samples+uint64(n)
		}
	}
	return d
}

// replace makes the page what is on disk of it now. It holds q.mu.
func (q *Queue) replace(t thinning, home *segment) {
	p, old := t.page, *t.page
	if old.segment.bolt != nil {
		old.segment.done = append(old.segment.done, old.place())
	}
	now := t.after()
	p.level, p.thinned, p.bytes, p.samples, p.segment, p.at = now.level, now.thinned, now.bytes, now.samples, home, 0
	p.even, p.weights = false, t.samples
	home.pages, home.lowest = append(home.pages, p), min(home.lowest, p.first)
	if !alive(p) { // acknowledged meanwhile: so is what has just been written
		home.done = append(home.done, p.place())
		return
	}
	old.segment.left--
	home.left++
	home.bytes += int64(p.bytes)
	q.bytes += int64(p.bytes) - int64(old.bytes)
	q.samples -= p.whole.reweigh(p)
	for _, c := range q.cursors {
		pr := p.of(c)
		switch {
		case pr == nil || pr.left == 0:
			continue
		case pr == &p.whole:
			c.samples -= old.whole.rest - pr.rest
		default:
			c.samples -= pr.reweigh(p)
		}
		c.bytes += int64(p.bytes) - int64(old.bytes)
	}
}

// reweigh counts anew what is left of a page that was thinned, and tells by how much that is less.
func (pr *progress) reweigh(p *page) (less uint64) {
	was := pr.rest
	pr.rest = 0
	for _, x := range pr.gone.holes(p.first, p.last()) {
		pr.rest += p.weigh(ranges{x})
	}
	return was - pr.rest
}
