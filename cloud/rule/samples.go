package rule

import (
	"cmp"
	"slices"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// samples are those of a block, read for one look at them; the memory is used again.
type samples struct {
	names []string
	list  []telemetry.Sample // Point is a place in names; point by point
	order []moment           // of list, by time; of equal times the order of list
}

type moment struct {
	time  int64
	place int32
}

func (s *samples) reset() {
	clear(s.list) // lets go of texts
	s.names, s.list, s.order = s.names[:0], s.list[:0], s.order[:0]
}

// take adds a sample of the last point or of the next.
func (s *samples) take(name string, one telemetry.Sample) bool {
	if n := len(s.names); n == 0 || s.names[n-1] != name {
		s.names = append(s.names, name)
	}
	one.Point = telemetry.PointID(len(s.names) - 1)
	s.list = append(s.list, one)
	return true
}

// read takes all of a block and puts it in order.
func (s *samples) read(dec *wire.Decoder, block []byte) error {
	s.reset()
	if err := dec.Decode(block, s.take); err != nil {
		return err
	}
	for i, one := range s.list {
		s.order = append(s.order, moment{one.Time, int32(i)})
	}
	slices.SortFunc(s.order, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.place, b.place))
	})
	return nil
}
