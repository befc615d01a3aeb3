package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// Acknowledge says that who knows of an alarm. Nothing happens to one that does not wait for it.
func (p *Panel) Acknowledge(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.Acknowledge(now, who), nil })
}

// AcknowledgeAll acknowledges every alarm that waits and is not hidden, and says how many those were.
func (p *Panel) AcknowledgeAll(who isa.Who) (n int, err error) {
	p.mu.Lock()
	if len(p.pending) >= 2*mostPending {
		p.mu.Unlock()
		return 0, ErrBehind
	}
	now := p.now()
	for _, name := range p.order {
		l := p.lamps[name]
		if s := l.alarm.State(); s == isa.Unacknowledged || s == isa.Returned {
			p.tell(l, l.alarm.Acknowledge(now, who), now)
			n++
		}
	}
	p.mu.Unlock()
	return n, p.settle()
}

// Shelve hides an alarm until a time to come.
func (p *Panel) Shelve(name string, until time.Time, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) {
		before := l.Until
		l.Until = until.UTC().Round(0)
		events, err := l.alarm.Shelve(now, until, who)
		if err != nil {
			l.Until = before
		}
		return events, err
	})
}

// Unshelve ends that before its time.
func (p *Panel) Unshelve(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) {
		l.Until = time.Time{}
		return l.alarm.Unshelve(now, who), nil
	})
}

// Suppress hides an alarm by design, until Unsuppress: who is the logic that does it.
func (p *Panel) Suppress(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.Suppress(now, who), nil })
}

// Unsuppress ends Suppress.
func (p *Panel) Unsuppress(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.Unsuppress(now, who), nil })
}

// OutOfService hides an alarm for maintenance, until InService.
func (p *Panel) OutOfService(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.OutOfService(now, who), nil })
}

// InService ends OutOfService.
func (p *Panel) InService(name string, who isa.Who) error {
	return p.operate(name, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.InService(now, who), nil })
}

// Apply takes over an acknowledgement that was made in the cloud. One of another occurrence, or by somebody who had not seen that the alarm
// asked again, does nothing, and twice is once.
func (p *Panel) Apply(ack isa.Acknowledgement) error {
	return p.operate(ack.Alarm, func(l *lamp, now time.Time) ([]isa.Event, error) { return l.alarm.Apply(now, ack), nil })
}

// maxAcknowledgement is how many bytes an acknowledgement of the cloud may have.
const maxAcknowledgement = 16 << 10

// Receive applies an acknowledgement as the cloud sends it on wire.AcknowledgeTopic: JSON of an isa.Acknowledgement.
func (p *Panel) Receive(payload []byte) error {
	ack, err := parseAcknowledgement(payload)
	if err != nil {
		return fmt.Errorf("acknowledgement from the cloud: %w", err)
	}
	return p.Apply(ack)
}

func parseAcknowledgement(payload []byte) (ack isa.Acknowledgement, err error) {
	if len(payload) > maxAcknowledgement {
		return ack, fmt.Errorf("%d bytes; at most %d are read", len(payload), maxAcknowledgement)
	}
	if err := json.Unmarshal(payload, &ack); err != nil {
		return ack, err
	}
	if y := ack.Time.Year(); ack.Alarm == "" || y < 1970 || y > 5000 {
		return ack, errors.New("it needs an alarm and a time")
	}
	return ack, nil
}

// operate has somebody do something with an alarm.
func (p *Panel) operate(name string, do func(l *lamp, now time.Time) ([]isa.Event, error)) error {
	p.mu.Lock()
	l := p.lamps[name]
	if l == nil {
		p.mu.Unlock()
		return fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	if len(p.pending) >= 2*mostPending { // what people do is told event by event, so it can't go on for ever
		p.mu.Unlock()
		return ErrBehind
	}
	now := p.now()
	events, err := do(l, now)
	p.tell(l, events, now)
	p.mu.Unlock()
	return errors.Join(err, p.settle())
}
