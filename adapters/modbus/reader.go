package modbus

import (
	"context"
	"errors"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reader reads one group of points of one unit.
type reader struct {
	*adapter
	unit    byte
	spans   []span // those that were answered first; what was learned of the device stays in them
	samples []telemetry.Sample
}

// askAgainAfter is when an address that the device did not have is tried once more: its program may have been changed.
const askAgainAfter = time.Minute

// Read asks span by span and emits all points at the end.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	now := time.Now().UnixNano()
	for i := range r.samples {
		r.samples[i].Time, r.samples[i].Value = now, telemetry.Value{}
		r.samples[i].Quality = telemetry.BadTimeout
	}
	err := r.readAll(ctx)
	emit(r.samples)
	return err
}

func (r *reader) readAll(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.link.watch(ctx)()
	answered, silences := false, 0
	var silence error
	for i := 0; i < len(r.spans); i++ {
		s := &r.spans[i]
		if answered && time.Now().Before(s.notTill) {
			r.mark(s, telemetry.BadNodeUnknown)
			continue
		}
		response, err := r.ask(ctx, r.unit, s.request, 1+r.retries)
		var exception Exception
		switch {
		case err == nil:
			r.decode(s, response)
			answered, silences = true, 0
		case errors.As(err, &exception) && exception != NoTarget && exception != NoPath:
			answered, silences = true, 0
			if r.refused(i, exception) {
				i--
			}
		case errors.Is(err, errSilent), errors.Is(err, errGarbled), errors.As(err, &exception):
			r.mark(s, qualityOf(err))
			silence = err
			// One block that some devices do not answer must not hide the others; a device that is dead costs one wait.
			if silences++; !answered || silences > 1 || ctx.Err() != nil {
				r.last(i)
				return r.outcome(answered, silence)
			}
		default:
			r.markFrom(i, qualityOf(err))
			return err
		}
	}
	return r.outcome(answered, silence)
}

func (r *reader) outcome(answered bool, silence error) error {
	if answered {
		return nil
	}
	return unanswered(r.unit, silence)
}

// decode reads the points out of an answer.
func (r *reader) decode(s *span, response []byte) {
	now := time.Now().UnixNano()
	data := response[2:]
	for i := range s.places {
		p := &s.places[i]
		sample := &r.samples[p.index]
		sample.Time = now
		at := p.start - s.start
		if s.table.bits() {
			sample.Value, sample.Quality = telemetry.Bool(data[at/8]>>(at%8)&1 == 1), telemetry.Good
			continue
		}
		sample.Value, sample.Quality = p.codec.decode(data[2*at : 2*p.end()-2*s.start])
	}
}

// refused deals with a device that will not read a span. The address of one point spoils the request for all, so
// the span is parted until the others are free of it. It reports whether another span has taken its place.
func (r *reader) refused(i int, e Exception) bool {
	s := r.spans[i]
	if e != IllegalAddress && e != IllegalValue {
		r.mark(&s, qualityOf(e))
		return false
	}
	if low, high, ok := s.halves(); ok {
		r.spans = append(append(append([]span{}, r.spans[:i]...), low, high), r.spans[i+1:]...)
		return true
	}
	r.mark(&s, telemetry.BadNodeUnknown)
	r.log.Debug("the device has no such address", "unit", r.unit, "at", Address{s.table, uint16(s.start)}.String(), "exception", byte(e))
	r.spans[i].notTill = time.Now().Add(askAgainAfter)
	r.last(i)
	return true
}

// last moves a span behind the others, so that the next reading begins with one that may be answered.
func (r *reader) last(i int) {
	s := r.spans[i]
	copy(r.spans[i:], r.spans[i+1:])
	r.spans[len(r.spans)-1] = s
}

func (r *reader) mark(s *span, q telemetry.Quality) {
	for i := range s.places {
		r.samples[s.places[i].index].Quality = q
	}
}

func (r *reader) markFrom(i int, q telemetry.Quality) {
	for ; i < len(r.spans); i++ {
		r.mark(&r.spans[i], q)
	}
}
