package buffer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// settle brings together what is on disk and the cursors that the options name: it counts what is there, applies what was acknowledged, and
// books the numbers that are nowhere as damaged.
func (r *recovery) settle() error {
	q := r.q
	r.replace()
	switch {
	case len(r.cursors) == 0:
		r.cursors = r.guess()
	case r.format == 1: // now it is known which numbers it gave
		k := &r.cursors[0]
		k.created, k.heirs, k.last = q.next, ranges{{1, q.next - 1}}, q.next-1
		if q.next == 1 {
			k.heirs = nil
		}
	}
	r.rename()
	r.load(r.cursors)
	r.holes()
	cursors, err := r.wanted()
	if err != nil {
		return err
	}
	if !slices.EqualFunc(cursors, q.cursors, func(k known, c *Cursor) bool { return k.name == c.name }) {
		r.load(cursors)
	}
	return nil
}

// replace puts the pages that were thinned in the place of those they were made from.
func (r *recovery) replace() {
	for _, e := range r.void {
		for _, s := range r.q.segments {
			if s.first == e.first {
				s.doubtful, s.sound = true, e.sound
			}
		}
	}
	r.thinned = slices.DeleteFunc(r.thinned, func(p *page) bool { return p.segment.doubtful && p.thinned > p.segment.sound })
	if len(r.thinned) == 0 {
		return
	}
	byFirst := map[uint64]*page{}
	for _, p := range slices.Concat(r.pages, r.thinned) {
		byFirst[p.first] = p
	}
	r.pages = slices.SortedFunc(maps.Values(byFirst), func(a, b *page) int { return cmp.Compare(a.first, b.first) })
}

// guess makes the cursors of a new folder; and of one that cannot say any more which it had, in the order in which it most likely had them.
func (r *recovery) guess() (cursors []known) {
	for slot, name := range r.q.o.Cursors[:min(len(r.q.o.Cursors), maxCursors)] {
		k := r.orphans[slot]
		k.slot, k.name, k.created = uint8(slot), name, 1
		for _, p := range r.pages {
			if p.slots&(1<<slot) != 0 {
				k.last = p.last()
			}
		}
		cursors = append(cursors, k)
	}
	return cursors
}

// rename gives the cursor without a name the first name that comes: it was there for whoever would want the records.
func (r *recovery) rename() {
	if len(r.cursors) == 1 && r.cursors[0].name == "" {
		r.cursors[0].name = r.q.o.Cursors[0]
	}
}

// load makes the cursors, and counts what is there for each.
func (r *recovery) load(cursors []known) {
	q := r.q
	q.cursors, q.indexes, q.records, q.samples, q.bytes = nil, [classes]index{}, 0, 0, 0
	for i, k := range cursors {
		q.cursors = append(q.cursors, &Cursor{q: q, at: i, known: k})
	}
	for _, s := range q.segments {
		s.left, s.bytes, s.done = 0, 0, nil
	}
	for _, p := range r.pages {
		q.share(p)
		q.add(p)
		for _, c := range q.cursors {
			if p.of(c) == nil {
				continue
			}
			dealt := c.gone.within(p.first, p.last())
			if p.first < c.created {
				dealt = append(dealt, c.heirs.holes(p.first, p.last())...)
			}
			for _, x := range dealt {
				q.finish(c, p, x.from, x.to)
			}
		}
	}
}

// holes books as damaged what was given to a cursor and is nowhere.
func (r *recovery) holes() {
	q := r.q
	if r.floor == 0 {
		return
	}
	var lost ranges
	for _, c := range q.cursors {
		for _, hole := range r.seen(c).holes(r.floor, q.next-1) {
			c.losses.add(Loss{From: hole.from, To: hole.to, Reason: Damaged, Class: Normal})
			c.gone.add(hole.from, hole.to)
			if to := min(hole.to, r.known); to >= hole.from { // whether those behind were ever given, nobody can say
				c.dropped.add(Damaged, Dropped{Records: to - hole.from + 1})
				lost.add(hole.from, to)
			}
		}
	}
	for _, x := range lost {
		q.dropped.add(Damaged, Dropped{Records: x.to - x.from + 1})
	}
}

// seen are the numbers of which it is known what became of them, as far as the cursor is concerned.
func (r *recovery) seen(c *Cursor) ranges {
	seen := slices.Clone(c.gone)
	if r.sound && c.last+1 < r.q.next {
		seen.add(c.last+1, r.q.next-1) // nothing behind it was for this cursor
	}
	for _, x := range c.heirs.holes(1, c.created-1) {
		seen.add(x.from, x.to)
	}
	for _, p := range r.pages {
		from := p.first
		if p.first >= c.created && c.takes(p) {
			from = p.prev(c.slot) + 1 // what lies between was not for it
		}
		seen.add(from, p.last())
	}
	return seen
}

// wanted is the list of cursors that the options name. One that is new has all that somebody still waits for and that is for everybody;
// one that is named no more is let go.
func (r *recovery) wanted() (cursors []known, err error) {
	q := r.q
	for _, name := range q.o.Cursors {
		if slices.ContainsFunc(cursors, func(k known) bool { return k.name == name }) {
			return nil, fmt.Errorf("two cursors are called %q", name)
		}
		if c := q.Cursor(name); c != nil {
			cursors = append(cursors, c.known)
			continue
		}
		k := known{name: name, created: q.next}
		for _, p := range r.pages {
			if p.all {
				for _, x := range p.whole.holes(p.first, p.last()) {
					k.heirs.add(x.from, x.to)
				}
			}
		}
		k.last = k.heirs.last()
		cursors = append(cursors, k)
		q.o.Log.Info("a new target for the buffer", "target", name, "begins at", q.next)
	}
	for _, c := range q.cursors {
		if !slices.ContainsFunc(cursors, func(k known) bool { return k.name == c.name }) {
			q.o.Log.Warn("a target of the buffer is named no more; what waited for it alone is let go", "target", c.name, "records", c.records, "samples", c.samples)
		}
	}
	return cursors, q.giveSlots(cursors)
}

// giveSlots gives those a slot who have none: new ones.
func (q *Queue) giveSlots(cursors []known) error {
	if len(cursors) > maxCursors {
		return fmt.Errorf("%d cursors; a buffer has at most %d", len(cursors), maxCursors)
	}
	used := uint16(0)
	for _, k := range cursors {
		if q.Cursor(k.name) != nil {
			used |= 1 << k.slot
		}
	}
	for i := range cursors {
		if q.Cursor(cursors[i].name) != nil {
			continue
		}
		for used&(1<<cursors[i].slot) != 0 {
			cursors[i].slot++
		}
		used |= 1 << cursors[i].slot
	}
	return nil
}
