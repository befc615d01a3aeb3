package serial

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// listener hears one talking device. Every device on a line hears every byte: its expression says which frames are its own.
type listener struct {
	*plan
	hearing
	log   *slog.Logger
	emit  adapters.Emit
	heard []time.Time // per field: when a frame last told it, or when listening began
	stale []bool      // per field: said to be bad, until a frame tells it again
	spoke time.Time   // the time given to the last good frame
	told  uint64      // frames dropped by the time of the last good one
	worse bool        // dropped frames were logged; said once until a good frame comes
}

// Subscribe hears what the devices say until ctx ends.
func (a *adapter) Subscribe(ctx context.Context, points []adapters.Point, emit adapters.Emit) error {
	if err := a.use(listening); err != nil {
		return err
	}
	all, err := a.listeners(points, emit)
	if err != nil {
		return err
	}
	for {
		select {
		case c := <-a.port.chunks:
			hear(all, c)
		case now := <-until(nextDue(all)):
			for _, l := range all {
				l.tick(now)
			}
		case <-a.port.ended:
			a.hearRest(all)
			return a.port.err
		case <-ctx.Done():
			return nil
		}
	}
}

// listeners makes one of each device, in the order in which the points name them.
func (a *adapter) listeners(points []adapters.Point, emit adapters.Emit) ([]*listener, error) {
	byDevice := map[string][]adapters.Point{}
	var order []string
	for _, p := range points {
		if byDevice[p.Device] == nil {
			order = append(order, p.Device)
		}
		byDevice[p.Device] = append(byDevice[p.Device], p)
	}
	var all []*listener
	for _, device := range order {
		plan, err := planned(byDevice[device])
		if err != nil {
			return nil, err
		}
		if plan.device.asked() {
			return nil, fmt.Errorf("%s must be asked (send) and does not talk by itself", device)
		}
		all = append(all, listen(plan, a.log.With("device", device), emit))
	}
	return all, nil
}

func listen(p *plan, log *slog.Logger, emit adapters.Emit) *listener {
	l := &listener{plan: p, log: log, emit: emit, heard: make([]time.Time, len(p.fields)), stale: make([]bool, len(p.fields))}
	for i := range l.heard {
		l.heard[i] = time.Now()
	}
	l.hearing = hearing{frame: p.device.framing(), scanner: NewScanner(p.device.framing(), p.device.MaxFrame, l.take)}
	return l
}

func hear(all []*listener, c chunk) {
	for _, l := range all {
		l.chunk(c)
		l.complain()
	}
}

// hearRest hears what came before the line was lost.
func (a *adapter) hearRest(all []*listener) {
	for {
		select {
		case c := <-a.port.chunks:
			hear(all, c)
		default:
			return
		}
	}
}

// take emits what a frame tells. A frame need not tell every point: an expression may have alternatives.
func (l *listener) take(body []byte) bool {
	f, ok := l.read(body)
	if !ok {
		return false
	}
	at := l.last
	if !at.After(l.spoke) { // frames that came in one piece came one after the other all the same
		at = l.spoke.Add(time.Microsecond)
	}
	l.spoke = at
	var some []telemetry.Sample
	for i, fd := range l.fields {
		if fd.has(f) {
			some = append(some, fd.sample(f, at))
			l.heard[i], l.stale[i] = l.last, false
		}
	}
	if len(some) > 0 {
		l.emit(some)
	}
	l.told, l.worse = l.scanner.Dropped().frames(), false
	return true
}

// complain logs the first frame that was dropped after a good one.
func (l *listener) complain() {
	dropped := l.scanner.Dropped()
	if l.worse || dropped.frames() == l.told {
		return
	}
	l.worse = true
	l.log.Info("frames are dropped", "wrong_checksum", dropped.Checksum, "no_match", dropped.Unmatched, "too_long", dropped.Overlong)
}

// nextDue is when one of them must be looked at though nothing comes.
func nextDue(all []*listener) time.Time {
	var next time.Time
	for _, l := range all {
		for _, due := range []time.Time{l.due, l.staleDue()} {
			if !due.IsZero() && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
	}
	return next
}

func (l *listener) staleDue() time.Time {
	var next time.Time
	for i, heard := range l.heard {
		if due := heard.Add(l.device.StaleAfter); !l.stale[i] && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

func (l *listener) tick(now time.Time) {
	if !l.due.IsZero() && !now.Before(l.due) {
		l.quiet()
	}
	why := telemetry.BadTimeout
	if l.scanner.Dropped().frames() > l.told { // it does talk, and nobody understands it
		why = telemetry.BadDecoding
	}
	var some []telemetry.Sample
	for i, fd := range l.fields {
		if !l.stale[i] && now.Sub(l.heard[i]) >= l.device.StaleAfter {
			l.stale[i] = true
			some = append(some, fd.bad(why, now))
		}
	}
	if len(some) > 0 {
		l.emit(some)
	}
}
