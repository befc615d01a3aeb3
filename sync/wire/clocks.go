package wire

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// A scan reads a hundred registers at one time. So times are kept once: points that share times share a clock, the list
// of all times any of them has, and each point says which of these are its own. What a deadband
// left out costs a small step, not a new time.

// clockFinder finds the clocks of a block.
type clockFinder struct {
	times  []int64          // the different times of the block, in order of arrival
	places map[int64]uint32 // where each of the first len(places) times stands; filled when one comes that is not later than all
	latest int64
	tick   []uint32 // of each sample: the place of its time in times
	group  []uint32 // of each time: another of its clock, up to the one that stands for the clock (union-find)
	clock  []uint32 // of each time that stands for a clock: the clock's number, once it has one
	rank   []uint32 // of each time: its place in its clock
	byTime []uint32 // the places of the times, earliest first
	clocks [][]int64
}

func (f *clockFinder) reset(samples int) {
	f.times, f.tick = f.times[:0], f.tick[:0]
	f.tick = slices.Grow(f.tick, samples)
	if f.places == nil {
		f.places = make(map[int64]uint32)
	}
	clear(f.places)
}

// add takes the time of the next sample.
func (f *clockFinder) add(time int64) {
	if n := len(f.tick); n > 0 && f.times[f.tick[n-1]] == time {
		f.tick = append(f.tick, f.tick[n-1])
		return
	}
	place, ok := f.place(time)
	if !ok {
		place = uint32(len(f.times))
		f.times = append(f.times, time)
	}
	f.tick = append(f.tick, place)
}

// place is where a time stands that came before. Most times are later than all before them, and need no looking up.
func (f *clockFinder) place(time int64) (uint32, bool) {
	if len(f.times) == 0 || time > f.latest {
		f.latest = time
		return 0, false
	}
	for i := len(f.places); i < len(f.times); i++ {
		f.places[f.times[i]] = uint32(i)
	}
	place, ok := f.places[time]
	return place, ok
}

// split makes every time its own group, to be joined by the columns.
func (f *clockFinder) split() {
	f.group = slices.Grow(f.group[:0], len(f.times))[:len(f.times)]
	f.clock = slices.Grow(f.clock[:0], len(f.times))[:len(f.times)]
	for i := range f.group {
		f.group[i], f.clock[i] = uint32(i), noClock
	}
	f.clocks = f.clocks[:0]
}

func (f *clockFinder) find(tick uint32) uint32 {
	for f.group[tick] != tick {
		f.group[tick] = f.group[f.group[tick]]
		tick = f.group[tick]
	}
	return tick
}

// join puts the times of one column into one clock.
func (f *clockFinder) join(ticks []uint32) {
	root := f.find(ticks[0])
	for _, tick := range ticks {
		if f.group[tick] == root {
			continue
		}
		other := f.find(tick)
		f.group[max(root, other)] = min(root, other)
		root = min(root, other)
	}
}

// noClock stands for a clock that has no number yet.
const noClock = math.MaxUint32

// number gives the clock of one column a number, if it has none, and returns it.
func (f *clockFinder) number(ticks []uint32) int {
	root := f.find(ticks[0])
	if f.clock[root] == noClock {
		f.clock[root] = uint32(len(f.clocks))
		f.clocks = extend(f.clocks)
	}
	return int(f.clock[root])
}

// fill lays the times out on their clocks, earliest first, counted from the first of all. So a block comes out the same
// whether its samples came scan by scan or point by point.
func (f *clockFinder) fill(first int64) {
	f.sort()
	f.rank = slices.Grow(f.rank[:0], len(f.times))[:len(f.times)]
	for _, tick := range f.byTime {
		own := &f.clocks[f.clock[f.find(tick)]]
		f.rank[tick] = uint32(len(*own))
		*own = append(*own, f.times[tick]-first)
	}
}

func (f *clockFinder) sort() {
	f.byTime = slices.Grow(f.byTime[:0], len(f.times))[:len(f.times)]
	for i := range f.byTime {
		f.byTime[i] = uint32(i)
	}
	if !slices.IsSorted(f.times) {
		slices.SortFunc(f.byTime, func(a, b uint32) int { return cmp.Compare(f.times[a], f.times[b]) })
	}
}

// extend lengthens clocks by an empty one that reuses the memory of an earlier block.
func extend(clocks [][]int64) [][]int64 {
	if len(clocks) < cap(clocks) {
		clocks = clocks[:len(clocks)+1]
		clocks[len(clocks)-1] = clocks[len(clocks)-1][:0]
		return clocks
	}
	return append(clocks, nil)
}

// append writes the clocks: how many, how many times each has, and the times.
func (f *clockFinder) append(dst []byte, q *sequences) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(f.clocks)))
	for _, times := range f.clocks {
		dst = binary.AppendUvarint(dst, uint64(len(times)))
	}
	for _, times := range f.clocks {
		dst = q.append(dst, times)
	}
	return dst
}

// clockTable is the clocks of a block being read.
type clockTable struct {
	all    []int64 // the times of all clocks, one behind the other
	clocks [][]int64
}

// read takes the clocks of a block; together they have at most as many times as the block has samples.
func (t *clockTable) read(c *cursor, q *sequences, h header) error {
	n := c.upTo(h.Points, "clocks are")
	t.clocks = slices.Grow(t.clocks[:0], n)[:n]
	t.all = slices.Grow(t.all[:0], h.Samples)[:h.Samples]
	rest := t.all
	for i := range t.clocks {
		length := c.upTo(len(rest), "times in a clock are")
		t.clocks[i], rest = rest[:length], rest[length:]
	}
	from, to := h.To, h.From
	for _, times := range t.clocks {
		q.read(c, times)
		for i := range times {
			times[i] += h.From
			from, to = min(from, times[i]), max(to, times[i])
		}
	}
	if c.err == nil && (from != h.From || to != h.To) {
		c.fail("its times do not run from its first to its last")
	}
	return c.end("the times")
}
