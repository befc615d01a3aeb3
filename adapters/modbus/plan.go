package modbus

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// place is one point in a reply.
type place struct {
	index int // of the point in its group
	start int // its first register or bit
	count int
	codec *codec // shared by all points of the group that are decoded alike
}

func (p place) end() int { return p.start + p.count }

// span is one request: registers (or bits) that follow one another, and the points in them.
type span struct {
	table   Table
	start   int
	count   int
	places  []place
	request []byte
	notTill time.Time // the device has no such address: it is not asked again before
}

// limits are what a plan must keep to.
type limits struct {
	most func(Table) int // registers or bits in one request
	gap  int             // that may be read without need
}

// plan finds the few requests that read all points: what lies together, or no further apart than gap, is one.
func plan(points []adapters.Point) (device *Device, spans []span, err error) {
	byTable := map[Table][]place{}
	codecs := map[codec]*codec{}
	for i, p := range points {
		spec, ok := p.Spec.(*Point)
		if !ok || spec.device == nil {
			return nil, nil, fmt.Errorf("BUG: %s.%s is no Modbus point of a device", p.Device, p.Name)
		}
		if device == nil {
			device = spec.device
		}
		c := spec.codec()
		if codecs[c] == nil {
			codecs[c] = &c
		}
		t := spec.At.Table
		byTable[t] = append(byTable[t], place{index: i, start: int(spec.At.Number), count: spec.Count(), codec: codecs[c]})
	}
	for _, t := range []Table{Holding, Input, Coil, Discrete} {
		spans = append(spans, merge(t, byTable[t], limits{device.most, device.Gap})...)
	}
	return device, spans, nil
}

// merge makes as few spans as the limits allow of the points of one table.
func merge(t Table, places []place, l limits) (spans []span) {
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end(), b.end())) })
	for from := 0; from < len(places); {
		start, end := places[from].start, places[from].end()
		to := from + 1
		for ; to < len(places); to++ {
			next := places[to]
			if next.start > end+l.gap || max(end, next.end())-start > l.most(t) {
				break
			}
			end = max(end, next.end())
		}
		spans = append(spans, newSpan(t, places[from:to]))
		from = to
	}
	return spans
}

// newSpan is the request for these places, which are in order.
func newSpan(t Table, places []place) span {
	s := span{table: t, start: places[0].start, places: places}
	for _, p := range places {
		s.count = max(s.count, p.end()-s.start)
	}
	s.request = readRequest(nil, t, s.start, s.count)
	return s
}

// halves parts the points of a span between two. They are parted where the address changes, so that a span that
// can't be parted is one place, whoever shares it.
func (s span) halves() (low, high span, ok bool) {
	middle := len(s.places) / 2
	for d := range len(s.places) {
		for _, cut := range []int{middle - d, middle + d} {
			if cut > 0 && cut < len(s.places) && s.places[cut-1].start != s.places[cut].start {
				return newSpan(s.table, s.places[:cut]), newSpan(s.table, s.places[cut:]), true
			}
		}
	}
	return low, high, false
}
