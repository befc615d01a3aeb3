package serial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// reader asks one device.
type reader struct {
	adapter  *adapter
	plan     *plan
	question []byte
	log      *slog.Logger
	garbled  bool // the last answer could not be understood; said once
}

// settleFor is the silence after which a late answer is no longer waited for.
const settleFor = 100 * time.Millisecond

// Errors of an answer, beside adapters.ErrNoAnswer.
var (
	errGarbled  = errors.New("the answer could not be understood")
	errNotQuiet = fmt.Errorf("%w: the line is never quiet enough to ask", adapters.ErrNoAnswer)
)

// Read asks once and waits for the answer.
func (r *reader) Read(ctx context.Context, emit adapters.Emit) error {
	samples, err := r.ask(ctx)
	if err == nil {
		r.garbled = false
		emit(samples)
		return nil
	}
	r.adapter.unsettled = time.Now()
	emit(r.plan.bad(reason(err), time.Now()))
	if errors.Is(err, errGarbled) { // it did answer: the connection is sound, and so is the device's schedule
		return nil
	}
	return err
}

// reason is the quality that stands for an error of ask.
func reason(err error) telemetry.Quality {
	switch {
	case errors.Is(err, errGarbled):
		return telemetry.BadDecoding
	case errors.Is(err, errNotQuiet):
		return telemetry.BadCommunication
	case errors.Is(err, adapters.ErrNoAnswer), errors.Is(err, context.Canceled):
		return telemetry.BadTimeout
	}
	return telemetry.BadNoCommunication
}

func (r *reader) ask(ctx context.Context) ([]telemetry.Sample, error) {
	limited, cancel := context.WithTimeout(ctx, r.plan.device.Timeout)
	defer cancel()
	if err := r.adapter.settle(limited); err != nil {
		return nil, err
	}
	if limited.Err() != nil {
		return nil, gaveUp(limited)
	}
	asked := time.Now()
	if err := r.adapter.port.send(r.question); err != nil {
		return nil, err
	}
	return r.answer(limited, asked)
}

// gaveUp is the error of a question whose time is over.
func gaveUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("wait for the answer: %w", ctx.Err())
	}
	return adapters.ErrNoAnswer
}

// settle waits out a question that was given up, so that its late answer is not taken for the answer to the next one.
func (a *adapter) settle(ctx context.Context) error {
	last := a.unsettled
	for !last.IsZero() {
		wait := settleFor - time.Since(last)
		if wait <= 0 {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case c := <-a.port.chunks:
			last = c.at
		case <-timer.C:
		case <-a.port.ended:
			return a.port.err
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(ctx.Err(), context.Canceled) {
				return gaveUp(ctx)
			}
			return a.late(last)
		}
		timer.Stop()
	}
	a.unsettled = time.Time{}
	return nil
}

// late tells a line on which bytes kept coming from time that was too short to begin with.
func (a *adapter) late(last time.Time) error {
	if last.After(a.unsettled) {
		return errNotQuiet
	}
	return adapters.ErrNoAnswer
}

// answer waits for a frame that the device sends after it was asked.
func (r *reader) answer(ctx context.Context, asked time.Time) (samples []telemetry.Sample, err error) {
	d := r.plan.device
	at := asked
	scanner := NewScanner(d.Frame, d.MaxFrame, func(body []byte) bool {
		f, ok := r.plan.read(body)
		if ok && samples == nil { // the first answer is the answer
			samples = r.plan.samples(f, at)
		}
		return ok
	})
	scanner.Fresh()
	heard := hearing{frame: d.Frame, scanner: scanner}
	for samples == nil {
		select {
		case c := <-r.adapter.port.chunks:
			if c.at.After(asked) { // else it was in the reading goroutine's hand when the question was asked
				at = c.at
				heard.chunk(c)
			}
		case <-until(heard.due):
			heard.quiet()
		case <-r.adapter.port.ended:
			return nil, r.adapter.port.err
		case <-ctx.Done():
			return nil, r.unanswered(ctx, scanner)
		}
	}
	return samples, nil
}

// unanswered tells silence from an answer that could not be understood.
func (r *reader) unanswered(ctx context.Context, s *Scanner) error {
	dropped, held := s.Dropped(), s.Held()
	if errors.Is(ctx.Err(), context.Canceled) || dropped == (Dropped{}) && held == 0 {
		return gaveUp(ctx)
	}
	if !r.garbled {
		r.garbled = true
		r.log.Warn("the answer could not be understood", "wrong_checksum", dropped.Checksum, "no_match", dropped.Unmatched, "noise_bytes", dropped.Noise, "unfinished_bytes", held)
	}
	return errGarbled
}
