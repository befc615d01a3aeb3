package buffer

import (
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

func (x *index) add(p *page) {
	if p.left > 0 {
		x.pages = append(x.pages, p)
	}
}

// died says that nothing is left of one of its pages.
func (x *index) died() {
	if x.dead++; x.dead >= minDead && x.dead > len(x.pages)/2 {
		x.pages, x.dead = slices.DeleteFunc(x.pages, func(p *page) bool { return p.left == 0 }), 0
	}
}

// first is the first page that has a record above after, or nil.
func (x *index) first(after uint64) *page {
	for len(x.pages) > 0 && x.pages[0].left == 0 {
		x.pages, x.dead = x.pages[1:], x.dead-1
	}
	i := sort.Search(len(x.pages), func(i int) bool { return x.pages[i].last() > after })
	for _, p := range x.pages[i:] {
		if p.above(after) {
			return p
		}
	}
	return nil
}

// above says whether the page has a record left above after.
func (p *page) above(after uint64) bool {
	return p.left > 0 && !p.gone.covers(max(p.first, after+1), p.last())
}

// first is the first page of some classes that has a record above after, or nil. It holds q.mu.
func (q *Queue) first(set classSet, after uint64) (first *page) {
	for class := range classes {
		if !set.has(class) {
			continue
		}
		if p := q.indexes[class].first(after); p != nil && (first == nil || p.first < first.first) {
			first = p
		}
	}
	return first
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
