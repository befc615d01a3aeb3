package opcua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	gopcua "github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
)

// errClosed answers whoever still asks after Close.
var errClosed = errors.New("the connection is closed")

// farewell is how long a server may take to close the session before the socket is cut.
const farewell = time.Second

// session is one activated session. Every request goes through it, so that each honours its context even
// where the library waits for a lock, and so that close can wait for all of them.
type session struct {
	client *gopcua.Client
	wire   *wire
	log    *slog.Logger

	mu      sync.Mutex // guards that nothing is added to pending after done is closed
	done    chan struct{}
	pending sync.WaitGroup
}

func newSession(client *gopcua.Client, wire *wire, log *slog.Logger) *session {
	return &session{client: client, wire: wire, log: log, done: make(chan struct{})}
}

// begin counts a request in, unless the session is closed.
func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		return false
	}
	s.pending.Add(1)
	return true
}

func (s *session) isClosed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

type answer struct {
	response ua.Response
	err      error
}

// ask sends one request and waits for its answer until ctx ends. An answer with a bad service result is
// an error of type ua.StatusCode.
func (s *session) ask(ctx context.Context, request ua.Request) (ua.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !s.begin() {
		return nil, errClosed
	}
	answered := make(chan answer, 1)
	go func() {
		defer s.pending.Done()
		answered <- s.send(request)
	}()
	select {
	case a := <-answered:
		return a.response, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.done:
		return nil, errClosed
	}
}

// send knows no context on purpose: the library gives a request its sequence number before it looks at
// the context, and a number that is never sent makes the server close the channel. What was sent and
// given up is answered to nobody.
//
// A panic of the library on this goroutine becomes an error. (On its own goroutines nothing can make it
// one: see Limits in the README.)
func (s *session) send(request ua.Request) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{err: fmt.Errorf("the OPC UA library panicked: %v", r)}
		}
	}()
	a.err = s.client.Send(context.Background(), request, func(response ua.Response) error {
		a.response = response
		return nil
	})
	return a
}

// exchange is ask for one type of answer.
func exchange[T ua.Response](ctx context.Context, s *session, request ua.Request) (T, error) {
	var none T
	response, err := s.ask(ctx, request)
	if err != nil {
		return none, err
	}
	typed, ok := response.(T)
	if !ok {
		return none, fmt.Errorf("the server answered %T with %T", request, response)
	}
	return typed, nil
}

// close ends every request that waits and the session on the server, and returns when nothing of it runs
// here any more. A server that does not take its leave is cut off.
func (s *session) close() {
	s.mu.Lock()
	again := s.isClosed()
	if !again {
		close(s.done)
	}
	s.mu.Unlock()
	if again {
		s.pending.Wait()
		return
	}

	cut := time.AfterFunc(farewell, s.wire.cut)
	defer cut.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := s.client.CloseSession(ctx); err != nil { // Close would try, and keep the error to itself
		s.log.Debug("close the session", "error", err)
	}
	_ = s.client.Close(ctx) // there is none left to report
	s.wire.cut()
	s.pending.Wait()
}
