package simulation

import (
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
	at     map[int64]*served
}

// served is one sample.
type served struct {
	time  int64
	value float64
	by    *life
	put   bool // the gateway had it, and had not crashed
	must  bool // it was on disk: it is stored, or declared
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
			of = &series{at: map[int64]*served{}}
			m.points[name] = of
		}
		f, _ := s.Value.Float()
		list[i] = &served{time: s.Time, value: f, by: by}
		of.served = append(of.served, list[i])
		of.at[s.Time] = list[i]
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

func at(ns int64) string { return time.Unix(0, ns).UTC().Format("01-02 15:04:05.000") }
