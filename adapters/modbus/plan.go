package modbus

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/penstock-edge/penstock/adapters"
)

// place is one point in a reply.
type place struct {
	index int // of the point in its group
	stretch
	codec *codec // shared by all points of the group that are decoded alike
}

// span is one request: registers (or bits) that follow one another, and the points in them.
type span struct {
	table Table
	stretch
	places  []place
	request []byte
	proven  bool // it was answered since it was planned: there is nothing to learn from it
}

// limits are what a plan must keep to and what it is to save.
type limits struct {
	most  int // registers or bits in one request
	gap   int // that may be read without need
	chart *chart
	price price
}

// placed parts the points of one device by table, in the order of their addresses.
//
// resolve says where a point is that is not at a fixed address; absent are the points that are nowhere.
func placed(points []adapters.Point, resolve func(*Point) (*Point, bool)) (device *Device, byTable map[Table][]place, powers []powered, absent []int, err error) {
	byTable = map[Table][]place{}
	codecs := map[codec]*codec{}
	put := func(spec *Point, index int) {
		c := spec.codec()
		if codecs[c] == nil {
			codecs[c] = &c
		}
		start := int(spec.At.Number)
		byTable[spec.At.Table] = append(byTable[spec.At.Table], place{index, stretch{start, start + spec.Count()}, codecs[c]})
	}
	hidden := map[*Point]int{} // powers of ten, whether or not they are among the points
	for i, p := range points {
		spec, ok := p.Spec.(*Point)
		if !ok || spec.device == nil {
			return nil, nil, nil, nil, fmt.Errorf("BUG: %s.%s is no Modbus point of a device", p.Device, p.Name)
		}
		if device == nil {
			device = spec.device
		}
		spec, ok = resolve(spec)
		if !ok {
			absent = append(absent, i)
			continue
		}
		put(spec, i)
		if spec.power == nil {
			continue
		}
		at, ok := hidden[spec.power]
		if !ok {
			at = len(points) + len(hidden)
			hidden[spec.power] = at
			put(spec.power, at)
		}
		powers = append(powers, powered{i, at})
	}
	for _, places := range byTable {
		slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	}
	return device, byTable, powers, absent, nil
}

// plan finds the cheapest requests that read all places of a table, and those places that the device is known not to have.
func plan(t Table, places []place, l limits) (spans []span, missing []place) {
	there := make([]place, 0, len(places))
	for _, p := range places {
		if l.chart.refusing(p.stretch) != nil {
			missing = append(missing, p)
		} else {
			there = append(there, p)
		}
	}
	next := cheapest(there, l)
	for i := 0; i < len(there); i = next[i] {
		spans = append(spans, newSpan(t, there[i:next[i]]))
	}
	return spans, missing
}

// cheapest tells for each place where the request that begins with it ends. It goes from the last place to the first: what is left to read
// behind a request costs the same whatever came before.
func cheapest(places []place, l limits) (next []int) {
	cost := make([]float64, len(places)+1)
	next = make([]int, len(places))
	for i := len(places) - 1; i >= 0; i-- {
		start, end := places[i].start, places[i].start
		reach := l.chart.reach(start)
		cost[i] = math.Inf(1)
		for j := i; j < len(places); j++ {
			p := places[j]
			if to := max(end, p.end); j > i && (p.start > end+l.gap || to-start > l.most || to >= reach) {
				break
			}
			end = max(end, p.end)
			if c := l.price.fixed + l.price.each*float64(end-start) + cost[j+1]; c <= cost[i]*(1+1e-9) { // of what costs the same, the longer first
				cost[i], next[i] = c, j+1
			}
		}
	}
	return next
}

// newSpan is the request for these places, which are in order.
func newSpan(t Table, places []place) span {
	s := span{table: t, stretch: places[0].stretch, places: places}
	for _, p := range places {
		s.end = max(s.end, p.end)
	}
	s.request = readRequest(nil, t, s.start, s.end-s.start)
	return s
}

// halves parts the points of a span between two. They are parted where the place changes, so that a span that
// can't be parted is one place, whoever shares it.
func (s span) halves() (low, high span, ok bool) {
	middle := len(s.places) / 2
	for d := range len(s.places) {
		for _, cut := range []int{middle - d, middle + d} {
			if cut > 0 && cut < len(s.places) && s.places[cut-1].stretch != s.places[cut].stretch {
				return newSpan(s.table, s.places[:cut]), newSpan(s.table, s.places[cut:]), true
			}
		}
	}
	return low, high, false
}

// several reports whether the span can be parted.
func (s span) several() bool { return s.places[0].stretch != s.places[len(s.places)-1].stretch }

// gaps are the stretches of a span that no point asked for.
func (s span) gaps() (between []stretch) {
	end := s.start
	for _, p := range s.places {
		if p.start > end {
			between = append(between, stretch{end, p.start})
		}
		end = max(end, p.end)
	}
	return between
}
