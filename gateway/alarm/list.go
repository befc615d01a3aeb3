package alarm

import (
	"time"

	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Status is an alarm as it is now.
type Status struct {
	Name         string // of the alarm and its rule
	Thing        string // whose condition it is
	State        isa.State
	Severity     isa.Severity // 0 when it is normal or hidden
	Text         string       // as its condition came last
	Since        time.Time    // of the state; zero: it has never been another
	Until        time.Time    // of a shelved one
	Acknowledged *isa.Acknowledgement
	Last         *wire.AlarmEvent // nil: it has never had one
	Merged       uint64           // how many of its last events are not told one by one, since they came too fast
}

// List is every alarm, in the configuration's order.
func (p *Panel) List() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Status, len(p.order))
	for i, name := range p.order {
		l := p.lamps[name]
		s := Status{Name: name, Thing: l.Thing, State: l.alarm.State(), Severity: l.alarm.Severity(), Text: l.Text, Since: l.Since, Acknowledged: l.alarm.Acknowledgement()}
		if s.State == isa.Shelved {
			s.Until = l.Until
		}
		if l.Last != nil {
			last := *l.Last
			s.Last = &last
		}
		if l.Held != nil {
			s.Merged = l.Held.Merged + 1
		}
		all[i] = s
	}
	return all
}

// Active counts the alarms that are neither normal nor hidden.
func (p *Panel) Active() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lamps {
		if s := l.alarm.State(); s != isa.Normal && !s.Hidden() {
			n++
		}
	}
	return n
}
