package uplink

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// maxResting is how many blocks may have been refused before no others are tried.
const maxResting = 64

// waiting is what of the outbox is the backlog's: what lies up to mark and was not stored, and what came back.
type waiting struct {
	mark    uint64 // what lies above is the live lane's
	at      uint64 // how far the backlog has come
	resting map[uint64]rest

	refusals int       // one after the other
	until    time.Time // nothing is tried before, as the target refused what was tried last
}

// rest is a block that came back: how often it was refused, and when it may go again.
type rest struct {
	tries int
	until time.Time
}

// pause is how long to wait after so many refusals: from a fifth of a second to 10 s, with jitter.
func pause(refusals int) time.Duration {
	d := min(200*time.Millisecond<<min(refusals-1, 6), 10*time.Second)
	return d/2 + rand.N(d/2)
}

func (w *waiting) settled(seq uint64) {
	w.refusals = 0
	delete(w.resting, seq)
}

// back takes a block that may have arrived or not: it goes again with the next connection. It takes a moment until it is known that the one is lost.
func (w *waiting) back(seq uint64, now time.Time) {
	if soon := now.Add(50 * time.Millisecond); soon.After(w.until) {
		w.until = soon
	}
	if seq > w.at {
		w.mark = max(w.mark, seq) // the backlog comes by it
		return
	}
	w.resting[seq] = rest{tries: w.resting[seq].tries}
}

// refused gives a block its rest, and says how often it was refused. The backlog waits as well: where one was refused the next mostly is, too.
func (w *waiting) refused(seq uint64, now time.Time) (tries int) {
	w.refusals++
	w.until = now.Add(pause(w.refusals))
	w.mark = max(w.mark, seq)
	tries = w.resting[seq].tries + 1
	w.resting[seq] = rest{tries, now.Add(pause(tries))}
	return tries
}

// probing: what was tried last was refused, and what is tried now has no answer yet. Until then nothing else is.
func (w *waiting) probing(flying map[uint64]bool) bool { return w.refusals > 0 && len(flying) > 0 }

// next says where to look for the next block, and when to ask again where there is nothing to be done now.
func (w *waiting) next(now time.Time, flying map[uint64]bool) (after uint64, again bool, wait time.Duration) {
	wait = time.Hour
	if d := w.until.Sub(now); d > 0 {
		return 0, false, d
	}
	if w.probing(flying) {
		return 0, false, wait
	}
	due := uint64(0)
	for seq, r := range w.resting {
		switch d := r.until.Sub(now); {
		case flying[seq]:
		case d <= 0 && (due == 0 || seq < due):
			due = seq
		case d > 0:
			wait = min(wait, d)
		}
	}
	more := w.at < w.mark && len(w.resting) < maxResting
	switch {
	case due > 0 && (w.refusals == 0 || !more): // else it is one of the others' turn: they may be taken
		return due - 1, true, 0
	case more:
		return w.at, false, 0
	}
	return 0, false, wait
}

// backlog sends what has waited, behind what is new.
func (s *sender) backlog(ctx context.Context) error {
	blocks := s.out.Reader()
	look, end := context.WithCancel(ctx)
	end() // with it the reader does not wait
	var pace *rate.Limiter
	if s.o.Rate > 0 {
		pace = rate.NewLimiter(rate.Limit(s.o.Rate), int(min(s.o.Rate, int64(s.o.Bytes))))
	}
	for {
		if err := s.ready(ctx); err != nil {
			return err
		}
		b, wait, err := s.oldest(look, blocks)
		switch {
		case err != nil:
			return err
		case wait > 0:
			if err := s.await(ctx, wait); err != nil {
				return err
			}
			continue
		}
		if err := spend(ctx, pace, len(b.Data)); err != nil {
			return err
		}
		if err := s.window.enter(ctx, len(b.Data), false); err != nil {
			return err
		}
		s.send(ctx, b)
	}
}

// oldest is the next block of the backlog, or how long there is none.
func (s *sender) oldest(look context.Context, blocks Reader) (Block, time.Duration, error) {
	for {
		s.mu.Lock()
		after, again, wait := s.waiting.next(time.Now(), s.flying)
		s.mu.Unlock()
		if wait > 0 {
			return Block{}, wait, nil
		}
		b, err := blocks.Next(look, after)
		if err != nil && !errors.Is(err, look.Err()) {
			return Block{}, 0, err
		}
		if s.take(after, again, b.Seq, err == nil) {
			return b, 0, nil
		}
	}
}

// take moves on to the block seq that was found above after, and tells whether it is to be sent.
func (s *sender) take(after uint64, again bool, seq uint64, found bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.waiting
	switch {
	case again && (!found || seq != after+1):
		delete(w.resting, after+1) // it is no longer in the outbox
		return false
	case again:
		return true
	case !found || seq > w.mark:
		w.at = w.mark
		return false
	}
	w.at = seq
	_, resting := w.resting[seq]
	return !s.flying[seq] && !resting
}

// hold waits while an orderly lane has to: what was refused goes before what is new.
func (s *sender) hold(ctx context.Context) error {
	for {
		s.mu.Lock()
		d, full := time.Until(s.waiting.until), len(s.waiting.resting) >= maxResting || s.waiting.probing(s.flying)
		s.mu.Unlock()
		switch {
		case d <= 0 && !full:
			return nil
		case d <= 0:
			d = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
}

func (s *sender) await(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.news:
	case <-timer.C:
	}
	return nil
}

// spend waits until n bytes may go.
func spend(ctx context.Context, pace *rate.Limiter, n int) error {
	if pace == nil {
		return nil
	}
	for part := 0; n > 0; n -= part {
		part = min(n, pace.Burst())
		if err := pace.WaitN(ctx, part); err != nil {
			return err
		}
	}
	return nil
}
