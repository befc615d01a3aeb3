package rule

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// What can go wrong with one message. The rule's state is as it was before.
var (
	ErrPayload = errors.New("the statement reads fields of a payload that is not JSON")
	ErrSteps   = errors.New("the statement takes too many steps for this message: select less, or from shorter arrays")
	ErrTooMuch = errors.New("the rule would have to remember too much")
)

const defaultSteps = 1_000_000

// env is what an expression sees while it is evaluated. One goroutine at a time.
type env struct {
	o        *Options
	now      int64 // nanoseconds since 1970
	steps    int   // left
	err      error // the first one; what is evaluated after it does not count
	lost     error // of the first row of a window that could not be made
	patterns map[string]*regexp.Regexp
	stack    []Value // arguments of the calls under way

	msg   *Message // nil for a sample until somebody asks
	made  Message
	body  Value
	read  bool  // body has been looked for
	inner Value // what the names of a nested query stand for

	sample telemetry.Sample
	point  *point
	values func(int) (telemetry.Value, telemetry.Quality) // of a condition

	memory     []Value // what lag and changed give
	results    []Value // what the columns of a window give
	start, end int64   // of the window
}

func (e *env) begin(now int64) {
	e.now, e.steps, e.err, e.stack, e.read, e.lost = min(max(now, beginning), forever-1), e.o.Steps, nil, e.stack[:0], false, nil
}

func (e *env) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *env) failf(format string, args ...any) { e.fail(fmt.Errorf(format, args...)) }

// charge takes steps; when there are none left the evaluation has failed.
func (e *env) charge(steps int) {
	if e.steps -= steps; e.steps < 0 {
		e.fail(ErrSteps)
	}
}

// fits reports whether a text of so many bytes may be made.
func (e *env) fits(bytes int) bool {
	if bytes <= maxText {
		return true
	}
	e.failf("a text of %d bytes: at most %d can be made", bytes, maxText)
	return false
}

// message is the message; of a sample the one it would be.
func (e *env) message() *Message {
	if e.msg != nil {
		return e.msg
	}
	e.made = Message{Topic: e.topic()}
	return &e.made
}

func (e *env) topic() string {
	if e.point != nil {
		return e.point.Topic
	}
	return basicIngest(e.msg.Topic)
}

// payload is the message as JSON, or of a sample as an object; false when it is neither.
func (e *env) payload() (Value, bool) {
	if e.read {
		return e.body, e.body.kind != Undefined
	}
	e.read, e.body = true, Value{}
	switch {
	case e.point != nil:
		e.body = e.sampleBody()
	case e.msg.Body != nil:
		e.body = *e.msg.Body
	default:
		if v, err := ParseJSON(e.msg.Payload); err == nil {
			e.body = v
		}
	}
	return e.body, e.body.kind != Undefined
}

// field is the top-level key of the payload.
func (e *env) field(key string) Value {
	body, ok := e.payload()
	if !ok {
		e.fail(ErrPayload)
	}
	return body.Get(key)
}

// lose notes that a row could not be made, and lets the next one be.
func (e *env) lose() bool {
	if e.err == nil {
		return false
	}
	if e.lost == nil {
		e.lost = e.err
	}
	e.err = nil
	return true
}
