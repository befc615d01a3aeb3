package modbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/penstock-edge/penstock/adapters"
)

// link carries one request at a time and gives the answer that belongs to it, which is good until the next call.
// errSilent and errGarbled leave the link sound; any other error is its end.
type link interface {
	exchange(ctx context.Context, unit byte, request []byte) ([]byte, error)
	watch(ctx context.Context)
	Close() error
}

// deafAfter is how many requests in a row, to whichever unit, may go unanswered on a network before the connection
// itself is doubted: a socket whose other end was switched off says nothing.
const deafAfter = 3

// bus is a link and what is known of the units on it.
type bus struct {
	link    link
	retries int
	network bool
	closed  atomic.Bool

	mu     sync.Mutex // one request at a time
	silent [256]bool  // units that kept silent when last asked: they are asked once, not again and again
	heard  [256]bool  // units that have answered: one that has not is asked once
	deaf   int        // requests in a row that nothing answered
	lost   error      // why the link is no good any more
}

// errClosed is the end that Close brings.
var errClosed = errors.New("the connection is closed")

// ask repeats a request as often as the settings say. The caller holds mu. A nil error comes with an answer that is
// no exception; errSilent, errGarbled and Exception concern the unit, and any other error the whole connection.
func (b *bus) ask(ctx context.Context, unit byte, request []byte, tries int) ([]byte, error) {
	if ctx.Err() != nil && b.sound() == nil {
		return nil, errSilent // nothing was sent, so nothing is learned
	}
	if b.silent[unit] {
		tries = 1
	}
	var response []byte
	err := b.sound()
	for try := 0; try < tries && err == nil; try++ {
		response, err = b.link.exchange(ctx, unit, request)
		if again := errors.Is(err, errSilent) || errors.Is(err, errGarbled); !again || ctx.Err() != nil || try == tries-1 || errors.Is(err, errSilent) && !b.heard[unit] {
			break
		}
		err = nil
	}
	if err = b.learn(ctx, unit, err); err != nil {
		return nil, err
	}
	if e, is := exceptionIn(response); is {
		return nil, e
	}
	return response, nil
}

// learn keeps in mind how a request ended and gives the error that it means.
func (b *bus) learn(ctx context.Context, unit byte, err error) error {
	switch {
	case err == nil, errors.Is(err, errGarbled):
		b.silent[unit], b.heard[unit], b.deaf = false, true, 0
		return err
	case errors.Is(err, errSilent) && errors.Is(ctx.Err(), context.Canceled):
		return errSilent
	case errors.Is(err, errSilent):
		b.silent[unit] = true
		if b.deaf++; b.network && b.deaf >= deafAfter {
			b.lost = fmt.Errorf("nothing has come back to %d requests in a row: the connection is taken for dead", b.deaf)
			return b.lost
		}
		return errSilent
	}
	if b.closed.Load() {
		err = errClosed
	}
	b.lost = fmt.Errorf("the connection is lost: %w", err)
	return b.lost
}

// sound says why there is nobody to ask any more.
func (b *bus) sound() error {
	if b.closed.Load() {
		return errClosed
	}
	return b.lost
}

// Close may come at any time; it ends the request that is under way.
func (b *bus) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.link.Close()
}

// unanswered is what the caller of a Read is told of a device that kept silent.
func unanswered(unit byte, why error) error {
	return fmt.Errorf("unit %d: %w: %w", unit, adapters.ErrNoAnswer, why)
}
