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
	samples, err := r.answer(limited, asked)
	if err != nil {
		r.adapter.giveUp(asked, r.plan.device.Timeout)
	}
	return samples, err
}

// gaveUp is the error of a question whose time is over.
func gaveUp(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("wait for the answer: %w", ctx.Err())
	}
	return adapters.ErrNoAnswer
}

// settle waits out a question that was given up, so that its late answer is not taken for the answer to the next one. The
// wait ends when the answer has come and the line is quiet, or when the time for it is over.
func (a *adapter) settle(ctx context.Context) error {
	heard := false
	for !a.unsettled.IsZero() {
		if time.Until(a.unsettled) <= 0 {
			a.unsettled = time.Time{}
			break
		}
		select {
		case c := <-a.port.chunks:
			a.unsettled, heard = c.at.Add(settleFor), true
		case <-until(a.unsettled):
		case <-a.port.ended:
			return a.port.err
		case <-ctx.Done():
			if heard && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errNotQuiet
			}
			return gaveUp(ctx)
		}
	}
	return nil
}

// giveUp notes how long the answer to a question may yet come.
func (a *adapter) giveUp(asked time.Time, timeout time.Duration) {
	a.unsettled = time.Now().Add(settleFor)
	if last := asked.Add(timeout + settleFor); last.After(a.unsettled) {
		a.unsettled = last
	}
}

// answer waits for a frame that the device sends after it was asked.
func (r *reader) answer(ctx context.Context, asked time.Time) (samples []telemetry.Sample, err error) {
	d := r.plan.device
	at := asked
	scanner := NewScanner(d.framing(), d.MaxFrame, func(body []byte) bool {
		f, ok := r.plan.read(body)
		if ok && samples == nil { // the first answer is the answer
			samples = r.plan.samples(f, at)
		}
		return ok
	})
	scanner.Fresh()
	heard := hearing{frame: d.framing(), scanner: scanner}
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
