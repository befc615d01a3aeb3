package buffer

import (
	"iter"
	"slices"
	"sort"
)

// index is the pages of one class that have records left, in order, across all segments: so that the first alarm is found at once behind
// a backlog of anything else. Some have nothing left any more; they are taken out when they are many. The queue's mu guards it.
type index struct {
	pages []*page
	dead  int // of them have nothing left
}

// minDead is how many dead pages are worth a walk.
const minDead = 64

func (x *index) add(p *page) { x.pages = append(x.pages, p) }

// died says that nothing is left of one of its pages; left tells which still have something.
func (x *index) died(left func(*page) bool) {
	if x.dead++; x.dead >= minDead && x.dead > len(x.pages)/2 {
		x.pages, x.dead = slices.DeleteFunc(x.pages, func(p *page) bool { return !left(p) }), 0
	}
}

// search is the place of the first page that reaches to seq or beyond.
func (x *index) search(seq uint64) int {
	return sort.Search(len(x.pages), func(i int) bool { return x.pages[i].last() >= seq })
}

// between adds the pages to list that have a number from..to.
func (x *index) between(list []*page, from, to uint64) []*page {
	for _, p := range x.pages[x.search(from):] {
		if p.first > to {
			break
		}
		list = append(list, p)
	}
	return list
}

// trim forgets the pages at the front that have nothing left.
func (x *index) trim(left func(*page) bool) {
	for len(x.pages) > 0 && !left(x.pages[0]) {
		x.pages, x.dead = x.pages[1:], x.dead-1
	}
}

// from goes through the pages of some classes that have a record left for the cursor above after, in their order. The queue's mu is held
// meanwhile.
func (c *Cursor) from(set classSet, after uint64) iter.Seq[*page] {
	return func(yield func(*page) bool) {
		var next [classes][]*page
		for class := range classes {
			if x := &c.indexes[class]; set.has(class) {
				x.trim(c.left)
				next[class] = x.pages[x.search(after+1):]
			}
		}
		for {
			least := -1
			for class := range next {
				if n := next[class]; len(n) > 0 && (least < 0 || n[0].first < next[least][0].first) {
					least = class
				}
			}
			if least < 0 {
				return
			}
			p := next[least][0]
			next[least] = next[least][1:]
			if pr := p.of(c); pr.left > 0 && !pr.gone.covers(max(p.first, after+1), p.last()) && !yield(p) {
				return
			}
		}
	}
}

// first is the first page of some classes that has a record left for the cursor above after, or nil. It holds q.mu.
func (c *Cursor) first(set classSet, after uint64) *page {
	for p := range c.from(set, after) {
		return p
	}
	return nil
}

// classSet is some of the classes, a bit for each.
type classSet uint8

const allClasses classSet = 1<<classes - 1

func setOf(of []Class) (set classSet) {
	for _, class := range of {
		set |= 1 << class
	}
	if set &= allClasses; set == 0 {
		return allClasses
	}
	return set
}

func (s classSet) has(class Class) bool { return s&(1<<class) != 0 }
