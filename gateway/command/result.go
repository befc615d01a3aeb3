package command

import (
	"fmt"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// State is what came of an order.
type State string

// The states. Done, Refused and Failed are final.
const (
	Done    State = "done"    // written, and read back
	Refused State = "refused" // not tried: nothing was written
	Failed  State = "failed"  // tried, and it is not certain or certainly not what was asked
	Waiting State = "waiting" // another order with this key is on its way
)

// Code says for programs why an order was refused or failed.
type Code string

// Codes of what was refused: nothing was written.
const (
	BadRequest  Code = "BAD_REQUEST"
	NoSuchPoint Code = "NO_SUCH_POINT"
	NotWritable Code = "NOT_WRITABLE" // access: r
	NotListed   Code = "NOT_LISTED"
	WrongType   Code = "WRONG_TYPE"
	OutOfRange  Code = "OUT_OF_RANGE"
	StepTooBig  Code = "STEP_TOO_LARGE"
	NoReading   Code = "NO_READING" // the step cannot be judged
	TooSoon     Code = "TOO_SOON"
	Expired     Code = "EXPIRED"
	WrongClock  Code = "WRONG_CLOCK" // issued in the future
	Interlock   Code = "INTERLOCK"
	Duplicate   Code = "DUPLICATE" // the key was used for something else
	Busy        Code = "BUSY"

	// These three are about the moment: nothing is kept under the key, and the same order may come again.
	Cancelled Code = "CANCELLED"
	Stopping  Code = "STOPPING"
	NoStore   Code = "NO_STORE" // the disk refused to keep the order
)

// Codes of what failed.
const (
	WriteFailed Code = "WRITE_FAILED" // an error, and the point does not read what was asked
	Differs     Code = "DIFFERS"      // no error, and the point does not read what was asked
	Uncertain   Code = "UNCERTAIN"    // it is not known what the point holds
)

// OnItsWay is the code of Waiting.
const OnItsWay Code = "IN_PROGRESS"

// Result is what came of an order.
type Result struct {
	State  State
	Code   Code             // empty when done
	Reason string           // a sentence that says what to do; empty when done
	Sample telemetry.Sample // what the point reads; Time 0: it was not read

	// Repeated: the order had been carried out, or was on its way, when this one with its key came.
	Repeated bool

	// Unsaved: the disk refused to keep this. It is what came of the order; if the process ends before the disk takes it, the next one finds
	// out anew by reading the point.
	Unsaved bool
}

// Err is nil when the order was done.
func (r Result) Err() error {
	if r.State == Done {
		return nil
	}
	return &Refusal{Code: r.Code, Reason: r.Reason}
}

// kept reports whether a result is the last word on its key.
func (r Result) kept() bool {
	switch r.Code {
	case Cancelled, Stopping, NoStore, OnItsWay:
		return false
	}
	return true
}

// Refusal is the error of an order that was not done.
type Refusal struct {
	Code   Code
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

func (r *Refusal) result() Result { return Result{State: Refused, Code: r.Code, Reason: r.Reason} }
