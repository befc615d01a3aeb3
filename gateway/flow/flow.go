package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Sink is where blocks go: the buffer. Both calls return when the bytes are on disk.
type Sink interface {
	// Journal keeps what is not sealed yet.
	Journal(ctx context.Context, data []byte, samples uint32) error
	// Seal keeps the records and empties the journal in one step.
	Seal(ctx context.Context, recs ...buffer.Record) (last uint64, err error)
}

// Audience says which targets are told of a point. When anyone is false none is, and nothing of it is kept.
type Audience func(telemetry.PointID) (to buffer.Audience, anyone bool)

// Clock knows what the time is. Stamp puts right, as far as it can, the times that this machine has given to samples just now, and returns the
// stamp of those that are in doubt. It is called under Put, from many goroutines.
type Clock interface {
	Stamp(samples []telemetry.Sample) wire.Stamp
}

// Options are the two clocks of a flow and its bounds.
type Options struct {
	Flush      time.Duration            // what a power cut can take; default 1 s
	Always     bool                     // Put returns when its samples are on disk, or the disk has refused them: a power cut takes nothing
	Send       time.Duration            // how long a block is; default 5 s
	BlockSize  int                      // samples at which a block is sealed before its time; default 65,536
	MaxPending int                      // samples held in memory while the disk refuses them; default 262,144 (about 12 MiB)
	Keep       func(point string) bool  // points whose blocks give way last when the buffer is full
	For        Audience                 // which targets are told of a point; default: all
	Tap        func([]telemetry.Sample) // sees every sample that was read, its quality judged, on the goroutine of who calls Put and in its order
	Clock      Clock                    // default: the machine's is right
	Leftovers  []buffer.Record          // what a crash left in the journal: the first seal, which empties the journal, keeps it
}

func (o *Options) defaults() {
	if o.Flush <= 0 {
		o.Flush = time.Second
	}
	if o.Send <= 0 {
		o.Send = 5 * time.Second
	}
	if o.BlockSize <= 0 {
		o.BlockSize = 1 << 16
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 1 << 18
	}
	if o.Tap == nil {
		o.Tap = func([]telemetry.Sample) {}
	}
	if o.For == nil {
		o.For = func(telemetry.PointID) (buffer.Audience, bool) { return 0, true }
	}
	if o.Clock == nil {
		o.Clock = right{}
	}
	if o.Keep == nil {
		o.Keep = func(string) bool { return false }
	}
}

// Stats counts what went through. Dropped are samples worth keeping, not counted in Kept, that came when the disk had refused
// for so long that memory ran out.
type Stats struct{ Read, Kept, Dropped uint64 }

// Flow takes samples in and lets blocks out.
type Flow struct {
	o     Options
	log   *slog.Logger
	sink  Sink
	names []string // by PointID
	kind  []kind   // by PointID, too

	full  chan struct{}      // one token: a block has reached its size
	now   chan chan struct{} // Put asks to be journalled at once; the channel it gives is closed when that was tried
	ended chan struct{}      // closed when Run has returned

	points []config.Point // read only

	mu      sync.Mutex
	states  []state            // by PointID
	pending []telemetry.Sample // kept, not sealed; the first `safe` of them are in the journal
	spare   []telemetry.Sample // the slice that pending becomes when the present one is sealed, where many come meanwhile; else nil
	doubts  doubts             // which of pending are in doubt
	safe    int
	sealing int // taken out of pending and not yet on disk
	taken   int // taken out of pending and not yet in a block, on disk or not
	stats   Stats

	// Only Run's goroutine touches what is below.
	encoder   *wire.Encoder
	leftovers []buffer.Record
	failing   bool
	dropping  bool   // samples, since it fails
	dropped   uint64 // samples, before
}

type state struct {
	latest, kept telemetry.Sample
	read, has    bool // whether there is a latest, a kept
}

// kind is what the samples of a block have in common.
type kind struct {
	class   buffer.Class
	to      buffer.Audience
	nowhere bool
}

// New makes the flow of a gateway's points; points[i].ID must be i.
func New(points []config.Point, sink Sink, o Options, log *slog.Logger) *Flow {
	o.defaults()
	f := &Flow{
		o: o, log: log, sink: sink, points: points, states: make([]state, len(points)),
		names: make([]string, len(points)), kind: make([]kind, len(points)),
		full: make(chan struct{}, 1), now: make(chan chan struct{}), ended: make(chan struct{}),
		encoder: wire.NewEncoder(wire.Balanced), leftovers: o.Leftovers,
	}
	for i := range points {
		f.names[i] = points[i].FullName()
		to, anyone := o.For(telemetry.PointID(i))
		f.kind[i] = kind{buffer.Normal, to, !anyone}
		if o.Keep(f.names[i]) {
			f.kind[i].class = buffer.Keep
		}
	}
	return f
}

// Put takes what an adapter emitted, and judges time and quality of each where it stands. It waits for the disk only with Always.
func (f *Flow) Put(samples []telemetry.Sample) {
	for i := range samples {
		judge(&f.points[samples[i].Point], &samples[i])
	}
	kept := f.take(samples)
	f.o.Tap(samples)
	if kept && f.o.Always {
		tried := make(chan struct{})
		select {
		case f.now <- tried:
			<-tried
		case <-f.ended:
		}
	}
}

// take tells whether any of the samples was kept.
func (f *Flow) take(samples []telemetry.Sample) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.stats.Kept
	f.stats.Read += uint64(len(samples))
	stamp := f.o.Clock.Stamp(samples) // within f.mu: samples of one doubt stand together in pending
	for i := range samples {
		f.put(samples[i], stamp)
	}
	if stamp.Doubted() { // for everybody but the blocks, which bear the stamp
		f.mark(samples)
	}
	if len(f.pending) >= f.o.BlockSize {
		select {
		case f.full <- struct{}{}:
		default:
		}
	}
	return f.stats.Kept > before
}

// mark tells of every sample in doubt that it is. It holds f.mu.
func (f *Flow) mark(samples []telemetry.Sample) {
	for i := range samples {
		if s := &samples[i]; !s.Sourced {
			s.Quality = s.Quality.Doubted()
			f.states[s.Point].latest = *s
		}
	}
}

// put holds f.mu.
func (f *Flow) put(s telemetry.Sample, stamp wire.Stamp) {
	p, st := &f.points[s.Point], &f.states[s.Point]
	st.latest, st.read = s, true
	if f.kind[s.Point].nowhere || st.has && !worthKeeping(p, &st.kept, &s) {
		return
	}
	if len(f.pending) >= f.o.MaxPending {
		f.stats.Dropped++
		return
	}
	st.has, st.kept = true, s
	f.stats.Kept++
	f.pending = append(f.pending, s)
	f.doubts.add(stamp, s.Sourced)
}

// Run journals and seals until ctx ends, then seals what is left, so that everything that was Put before is on
// disk when it returns. It is called once.
func (f *Flow) Run(ctx context.Context) error {
	defer close(f.ended)
	flush, seal := time.NewTicker(f.o.Flush), time.NewTicker(f.o.Send)
	defer flush.Stop()
	defer seal.Stop()
	if f.leftovers != nil {
		f.report(f.seal(ctx))
	}
	first := true // the first block does not wait for its time: whoever starts a gateway looks for a sign of life
	for {
		select {
		case <-ctx.Done():
			return f.sealLast(context.WithoutCancel(ctx))
		case <-f.full:
			if !f.failing { // a disk that refuses is asked again when the time has come, not at every reading
				f.report(f.seal(ctx))
			}
		case <-seal.C:
			f.report(f.seal(ctx))
		case tried := <-f.now:
			f.report(f.journal(ctx))
			close(tried)
		case <-flush.C:
			if first && f.Pending() > 0 {
				first = false
				f.report(f.seal(ctx))
				continue
			}
			f.report(f.journal(ctx))
		}
	}
}

// sealLast seals at the end, when nobody tries again: what the disk refuses now is lost, and how much that is must be said.
func (f *Flow) sealLast(ctx context.Context) error {
	err := f.seal(ctx)
	if errors.Is(err, buffer.ErrFull) {
		f.report(err) // as it is configured to be
		return nil
	}
	if err != nil {
		return fmt.Errorf("%d samples were in memory only and are lost (make room on the disk of the buffer before the next start): %w", f.Unsaved(), err)
	}
	return nil
}

// report logs the first error of a run of them and its end.
func (f *Flow) report(err error) {
	switch {
	case err == nil || f.failing:
	case errors.Is(err, buffer.ErrFull):
		f.log.Error("the buffer is full and drops the newest samples", "err", err)
	default:
		f.log.Error("samples stay in memory until the buffer takes them", "err", err)
	}
	dropped := f.Stats().Dropped
	if err == nil && f.failing {
		f.log.Info("the buffer takes samples again", "dropped", dropped)
	}
	if f.failing && !f.dropping && dropped > f.dropped {
		f.log.Error("memory is full, too: what is read is dropped and counted until the buffer takes samples", "held", f.o.MaxPending)
		f.dropping = true
	}
	if f.failing = err != nil; !f.failing {
		f.dropping, f.dropped = false, dropped
	}
}

// journal makes durable what came since the last journal or seal.
func (f *Flow) journal(ctx context.Context) error {
	f.mu.Lock()
	parts := f.gather()
	f.mu.Unlock()
	var entries []buffer.Record
	for _, p := range parts {
		more, err := f.encode(kind{class: buffer.Normal}, p.samples, p.stamp)
		if err != nil {
			return err
		}
		entries = append(entries, more...)
	}
	for _, e := range entries {
		if err := f.sink.Journal(ctx, e.Data, e.Samples); err != nil {
			return fmt.Errorf("journal %d samples: %w", e.Samples, err)
		}
		f.mu.Lock()
		f.safe += int(e.Samples)
		f.mu.Unlock()
	}
	return nil
}

// gather gives what is not in the journal yet, by doubt, and has it stand in pending in the same order: the first `safe` of them are in the
// journal at any moment. It holds f.mu.
func (f *Flow) gather() []part {
	fresh := f.pending[f.safe:]
	head, tail := f.doubts.cut(f.safe)
	parts := tail.parts(fresh)
	if len(parts) < 2 {
		return parts
	}
	f.doubts = head
	for _, p := range parts {
		fresh = fresh[copy(fresh, p.samples):]
		f.doubts.join(stretch{p.stamp, len(p.samples)})
	}
	return parts
}

// seal turns all that is pending into blocks, which replace their journal.
func (f *Flow) seal(ctx context.Context) error {
	f.mu.Lock()
	taken, doubts, safe := f.pending, f.doubts, f.safe
	if len(taken) > 0 {
		f.pending, f.spare = f.spare, nil
		f.doubts, f.safe, f.sealing, f.taken = nil, 0, len(taken)-safe, len(taken)
	}
	f.mu.Unlock()
	if len(taken)+len(f.leftovers) == 0 {
		return nil
	}
	recs, err := f.blocks(taken, doubts)
	if err == nil {
		_, err = f.sink.Seal(ctx, append(f.leftovers[:len(f.leftovers):len(f.leftovers)], recs...)...)
	}
	if err != nil && !errors.Is(err, buffer.ErrFull) {
		f.putBack(taken, doubts, safe)
		return fmt.Errorf("seal %d samples: %w", len(taken), err)
	}
	if err != nil {
		// drop-newest: the buffer has counted them as refused, and would count them again at every attempt. Their journal goes too.
		_, cleared := f.sink.Seal(ctx)
		err = fmt.Errorf("%d samples are refused and counted: %w", len(taken), errors.Join(err, cleared))
	}
	f.leftovers = nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sealing, f.taken = 0, 0
	f.reuse(taken[:0])
	return err
}

// reuse takes a slice whose samples are sealed: as pending, where the few that came meanwhile can move into it, and only else as a second one,
// for a quick plant should not copy and a small machine has little memory. One that grew while the disk refused is not kept for ever.
// It holds f.mu.
func (f *Flow) reuse(slice []telemetry.Sample) {
	switch {
	case cap(slice) > 2*f.o.BlockSize:
	case len(f.pending) <= cap(slice)/16:
		f.pending = append(slice, f.pending...)
	default:
		f.spare = slice
	}
}

// putBack returns samples that could not be sealed to the front of the queue; the journal still holds the
// first `safe` of them, because sealing and emptying it are one step.
func (f *Flow) putBack(taken []telemetry.Sample, doubts doubts, safe int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	doubts.join(f.doubts...)
	f.doubts = doubts
	f.pending, f.safe, f.sealing, f.taken = append(taken, f.pending...), safe, 0, 0
}
