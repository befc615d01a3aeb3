package modbus

import (
	"context"
	"errors"
	"time"
)

// curiosity is how many requests a reading may make beyond those that it needs.
const curiosity = 4

// explore asks for what is in doubt, and for points that were missing and whose time has come. The points of the plan have been read by then.
func (r *reader) explore(ctx context.Context, p *progress) error {
	left := curiosity
	for t := Coil; t <= Holding; t++ {
		if len(r.places[t]) == 0 {
			continue
		}
		for i := 0; i < len(r.known.charts[t].refused) && left > 0 && !p.over; i++ {
			if !r.known.charts[t].refused[i].doubt {
				continue
			}
			left--
			if err := r.settleDoubt(ctx, t, i); err != nil {
				return err
			}
		}
	}
	for i := 0; i < len(r.missing) && left > 0 && !p.over; i++ {
		m := &r.missing[i]
		refusal := r.known.charts[m.table].refusing(m.stretch)
		alone := len(r.spans) == 0 && !p.answered // there is nothing else by which to tell that the device is there
		if refusal == nil || time.Now().Before(refusal.again) && !alone {
			continue
		}
		left--
		if err := r.tryAgain(ctx, m, refusal, p); err != nil {
			return err
		}
	}
	return nil
}

// tryAgain asks for a place that the device did not have.
func (r *reader) tryAgain(ctx context.Context, m *span, refusal *refusal, p *progress) error {
	refusal.wait = min(2*refusal.wait, lastAgain)
	refusal.again = time.Now().Add(refusal.wait)
	response, err := r.ask(ctx, r.unit, m.request, 1)
	var exception Exception
	switch {
	case err == nil:
		p.answered = true
		r.decode(m, response)
		r.known.charts[m.table].accept(m.stretch)
		r.known.changed()
	case errors.As(err, &exception) && exception != NoTarget && exception != NoPath:
		p.answered = true
		r.mark(m, qualityOf(exception))
	case errors.As(err, &exception), errors.Is(err, errSilent), errors.Is(err, errGarbled):
		p.silence, p.over = err, true
		r.mark(m, qualityOf(err))
	default:
		return err
	}
	return nil
}

// settleDoubt asks for the i-th refusal of a table by itself.
func (r *reader) settleDoubt(ctx context.Context, t Table, i int) error {
	chart := r.known.charts[t]
	s := chart.refused[i].stretch
	count := min(s.end-s.start, r.device.most(t))
	_, err := r.ask(ctx, r.unit, readRequest(nil, t, s.start, count), 1)
	switch {
	case err == nil:
		chart.accept(stretch{s.start, s.start + count})
	case !errors.Is(err, errSilent) && !errors.Is(err, errGarbled) && !isException(err):
		return err
	}
	if i < len(chart.refused) && chart.refused[i].stretch == s {
		chart.refused[i].doubt = false
	}
	r.known.changed()
	return nil
}

func isException(err error) bool {
	var e Exception
	return errors.As(err, &e)
}
