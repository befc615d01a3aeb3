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
	device  *Device
	unit    byte
	known   *knowledge
	places  map[Table][]place
	spans   []span             // those that were answered first
	missing []span             // places that the device is known not to have
	version int                // of the knowledge that the spans were planned from
	gap     int                // that was worth reading over then
	samples []telemetry.Sample // of the points, then of powers of ten that only serve them
	powers  []powered
	list    []adapters.Point

	sunspec  bool  // some points are in SunSpec models
	surveyed int   // the version of the knowledge by which they were placed
	absent   []int // points that are in no model that the device has
}

// progress is how far one Read has come.
type progress struct {
	answered bool
	silences int // in a row
	silence  error
	over     bool   // the device is not asked any more
	unheard  []span // that were not answered
}

// Read asks span by span and emits all points at the end.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	now := time.Now().UnixNano()
	for i := range r.samples {
		r.samples[i].Time, r.samples[i].Value = now, telemetry.Value{}
		r.samples[i].Quality = telemetry.BadTimeout
	}
	err := r.readAll(ctx)
	for _, p := range r.powers {
		s := &r.samples[p.index]
		s.Value, s.Quality = raise(*s, r.samples[p.power])
	}
	emit(r.samples[:len(r.list)])
	return err
}

func (r *reader) readAll(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link.watch(ctx)
	if r.sunspec {
		if err := r.survey(ctx); err != nil {
			r.markAll(qualityOf(err))
			return err
		}
	}
	r.replan()
	for _, i := range r.absent {
		r.samples[i].Quality = telemetry.BadNodeUnknown
	}
	for i := range r.missing {
		r.mark(&r.missing[i], telemetry.BadNodeUnknown)
	}
	var p progress
	for i := 0; i < len(r.spans) && !p.over; i++ {
		if err := r.readSpan(ctx, &r.spans[i], &p); err != nil {
			r.markFrom(i, qualityOf(err))
			return err
		}
	}
	if len(p.unheard) > 0 {
		r.unheard(&p)
	}
	if p.answered || len(r.spans) == 0 { // or else the device is known to be silent
		if err := r.explore(ctx, &p); err != nil {
			return err
		}
	}
	if p.answered || p.silence == nil {
		return nil
	}
	return unanswered(r.unit, p.silence)
}

// replan makes the requests anew when something was learned that they depend on.
func (r *reader) replan() {
	gap := r.known.price.gap()
	if r.version == r.known.version && gap <= 2*r.gap && r.gap <= 2*gap {
		return
	}
	r.spans, r.missing = r.known.plan(r.device, r.places)
	r.version, r.gap = r.known.version, gap
}

// readSpan sends one request, or more when it is refused. An error means that the connection is lost.
func (r *reader) readSpan(ctx context.Context, s *span, p *progress) error {
	chart := r.known.charts[s.table]
	if !s.proven && chart.hopeless(s.stretch) {
		return r.part(ctx, s, p, false)
	}
	asked := time.Now()
	response, err := r.ask(ctx, r.unit, s.request, 1+r.retries)
	var exception Exception
	switch {
	case err == nil:
		r.known.price.add(s.registers(), time.Since(asked))
		r.decode(s, response)
		p.answered, p.silences = true, 0
		if !s.proven && chart.accept(s.stretch) {
			r.known.changed()
		}
		s.proven = true
	case errors.As(err, &exception) && exception != NoTarget && exception != NoPath:
		p.answered, p.silences = true, 0
		if exception == IllegalAddress || exception == IllegalValue {
			s.proven = false
			return r.part(ctx, s, p, true)
		}
		r.mark(s, qualityOf(exception))
	case errors.Is(err, errMisfit) && s.several():
		p.answered, p.silences, s.proven = true, 0, false // some devices give what they have instead of refusing
		return r.part(ctx, s, p, true)
	case errors.Is(err, errSilent), errors.Is(err, errGarbled), errors.As(err, &exception):
		r.mark(s, qualityOf(err))
		p.silence = err
		p.unheard = append(p.unheard, *s)
		// One block that some devices do not answer must not hide the others; a device that is dead costs one wait.
		p.silences++
		p.over = !p.answered || p.silences > 1 || ctx.Err() != nil
	default:
		return err
	}
	return nil
}

// registers is the span's length for its price.
func (s *span) registers() int {
	if s.table.bits() {
		return (s.end - s.start + 15) / 16
	}
	return s.end - s.start
}

// part reads a span in two, because it was refused or is sure to be: the address of one point spoils the request for all. In
// the end every point is read that can be, and the others are known.
func (r *reader) part(ctx context.Context, s *span, p *progress, refused bool) error {
	low, high, ok := s.halves()
	if !ok {
		r.mark(s, telemetry.BadNodeUnknown)
		if refused {
			r.known.charts[s.table].refuse(s.stretch, false, time.Now())
			r.known.changed()
			r.log.Debug("the device has no such address", "unit", r.unit, "at", Address{Table: s.table, Number: uint16(s.start)}.String())
		}
		return nil
	}
	for _, half := range []*span{&low, &high} {
		if p.over {
			return nil
		}
		if err := r.readSpan(ctx, half, p); err != nil {
			r.mark(s, qualityOf(err))
			return err
		}
	}
	if refused && !p.over {
		r.blame(s)
	}
	return nil
}

// blame finds why a span was refused whose halves are read by now: an address that is known by now, the length, or what lies between its points.
func (r *reader) blame(s *span) {
	chart := r.known.charts[s.table]
	if chart.refusing(s.stretch) != nil {
		return
	}
	if chart.known(s.stretch) {
		chart.shorten(s.end - s.start)
		r.known.changed()
		return
	}
	r.doubt(s)
}

// doubt leaves alone what lies between the points of a span until it has been asked for by itself.
func (r *reader) doubt(s *span) {
	chart := r.known.charts[s.table]
	for _, between := range s.gaps() {
		if !chart.known(between) {
			chart.refuse(between, true, time.Now())
			r.known.changed()
		}
	}
}

// unheard deals with blocks that were not answered: some devices say nothing where they should refuse. They come last
// from now on, so that the next reading begins with one that may be answered.
func (r *reader) unheard(p *progress) {
	for _, s := range p.unheard {
		if !s.proven {
			r.doubt(&s)
		}
		for i := range r.spans {
			if r.spans[i].stretch == s.stretch && r.spans[i].table == s.table {
				r.last(i)
				break
			}
		}
	}
}

// last moves a span behind the others.
func (r *reader) last(i int) {
	s := r.spans[i]
	copy(r.spans[i:], r.spans[i+1:])
	r.spans[len(r.spans)-1] = s
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
		sample.Value, sample.Quality = p.codec.decode(data[2*at : 2*p.end-2*s.start])
	}
}

func (r *reader) mark(s *span, q telemetry.Quality) {
	for i := range s.places {
		r.samples[s.places[i].index].Quality = q
	}
}

func (r *reader) markAll(q telemetry.Quality) {
	for i := range r.samples {
		r.samples[i].Quality = q
	}
}

func (r *reader) markFrom(i int, q telemetry.Quality) {
	for ; i < len(r.spans); i++ {
		r.mark(&r.spans[i], q)
	}
}
