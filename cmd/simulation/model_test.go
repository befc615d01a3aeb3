package simulation

import (
	"sort"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// model knows what must be stored: every sample that the plant served and that was on disk before its gateway crashed.
type model struct {
	mu     sync.Mutex
	points map[string]*series
}

// series is what was served of one point, in order.
type series struct {
	served []*served
}

// served is one sample.
type served struct {
	time  int64 // when it was taken, really
	value float64
	by    *life
	put   bool // the gateway had it, and had not crashed
	must  bool // it was on disk: it is stored, or declared
	seen  bool // it is stored
}

func newModel() *model { return &model{points: map[string]*series{}} }

func (m *model) serve(by *life, points []adapters.Point, samples []telemetry.Sample) []*served {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*served, len(samples))
	for i, s := range samples {
		name := points[i].Device + "." + points[i].Name
		of := m.points[name]
		if of == nil {
			of = &series{}
			m.points[name] = of
		}
		f, _ := s.Value.Float()
		list[i] = &served{time: time.Now().UnixNano(), value: f, by: by}
		of.served = append(of.served, list[i])
	}
	return list
}

// taken is told when the gateway has the samples. With `flush: always` they are on disk then, unless the disk has refused them.
func (m *model) taken(by *life, list []*served) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range list {
		s.put = !by.over()
		s.must = s.put && by.always && !by.healthy.IsZero()
	}
}

// end settles what is on disk of a life. One that was stopped and not cut off has all that it was given there, if the disk took it.
func (m *model) end(l *life, clean bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l.settle(time.Now())
	for _, of := range m.points {
		for _, s := range of.served {
			if s.by == l && s.put && (clean && !l.healthy.IsZero() || s.time < l.certain.UnixNano()) {
				s.must = true
			}
		}
	}
}

// of is a point's series. What runs has ended.
func (m *model) of(point string) *series {
	if of := m.points[point]; of != nil {
		return of
	}
	return &series{}
}

// nearly is how far the time of a sample may be off that was put right.
const nearly = int64(100 * time.Millisecond)

// find is the sample that a stored one is: of those of that value, the one whose time is nearest.
func (of *series) find(ns int64, value float64) (found *served) {
	i := sort.Search(len(of.served), func(i int) bool { return of.served[i].time >= ns-nearly })
	for ; i < len(of.served) && of.served[i].time <= ns+nearly; i++ {
		if one := of.served[i]; one.value == value && (found == nil || max(one.time-ns, ns-one.time) < max(found.time-ns, ns-found.time)) {
			found = one
		}
	}
	return found
}

// unseen is a sample of that value which is not stored as far as one has looked. It stands for one whose time stays uncertain, because a power cut
// took what its clock might have been put right by.
func (of *series) unseen(value float64) *served {
	for _, one := range of.served {
		if one.value == value && !one.seen {
			return one
		}
	}
	return nil
}

func at(ns int64) string { return time.Unix(0, ns).UTC().Format("01-02 15:04:05.000") }
