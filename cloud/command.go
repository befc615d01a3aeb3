package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Errors of the moment of a change.
var (
	// ErrConflict: what is there now does not allow the change.
	ErrConflict = errors.New("not as things are now")
	// ErrInvalid: what was asked for can't be, now or later. The text that wraps it says what would be right.
	ErrInvalid = errors.New("not possible")
	// ErrTooMany: a bound is reached; the change is possible later.
	ErrTooMany = errors.New("too many at once")
)

// Command is one execution: a value to be written to a point of a gateway, once, and what came of it.
type Command struct {
	Execution string          `json:"execution"` // a ULID: later ones sort behind
	Gateway   string          `json:"gateway"`
	Point     string          `json:"point"` // device.point
	Value     json.RawMessage `json:"value"`
	Who       string          `json:"who"`
	Issued    time.Time       `json:"issued"`
	Expires   time.Time       `json:"expires"` // not written after this

	Status  wire.CommandStatus         `json:"status"`
	Reason  *wire.CommandReason        `json:"reason,omitempty"`
	Result  map[string]json.RawMessage `json:"result,omitempty"` // of the last answer: "value" as the point read, "time", "quality"
	Changed time.Time                  `json:"changed"`          // when Status became what it is

	// Late is the last word of a gateway that came after the status was final because nobody had heard of it: the status stays, and
	// what came of the write is known.
	Late *LateAnswer `json:"late,omitempty"`
}

// CommandAsk is what somebody wants to be written.
type CommandAsk struct {
	Gateway string
	Point   string          // device.point
	Value   json.RawMessage // a number, a boolean or a text
	Who     string          // for the audit log
	From    string          // the way it came by, for the audit log
	TTL     time.Duration   // how long it may take until the gateway has written
}

// LateAnswer is an answer after the time was over.
type LateAnswer struct {
	Time time.Time `json:"time"`
	wire.CommandResponse
}

// Take moves the command on by an answer, never out of a final status.
func (c *Command) Take(r wire.CommandResponse, at time.Time) (changed bool) {
	switch {
	case c.Status == wire.CommandTimedOut && c.Late == nil && r.Status.Final() && r.Status != wire.CommandTimedOut:
		c.Late = &LateAnswer{at, r}
		return true
	case c.Status.Final(), r.Status == c.Status:
		return false
	}
	c.Status, c.Reason, c.Result, c.Changed = r.Status, r.Reason, r.Result, at
	return true
}

// CommandAnswer is what came of a command, as its gateway or the clock says.
type CommandAnswer struct {
	Gateway, Execution string
	Response           wire.CommandResponse
	Time               time.Time
}

// CommandQuery asks for commands, the newest first.
type CommandQuery struct {
	Gateway string    // every one's when empty
	Open    bool      // only those whose status is not final
	Overdue time.Time // with Open: only those that expired before this
	Before  string    // only older ones than this execution
	Max     int
}

// CommandStore keeps commands.
type CommandStore interface {
	// CreateCommand keeps a new command with the lines that tell of it. ErrTooMany when its gateway has most open ones, ErrNotFound when
	// there is no such gateway.
	CreateCommand(ctx context.Context, c Command, most int, entries ...audit.Entry) error
	// Command finds one. ErrNotFound.
	Command(ctx context.Context, execution string) (Command, error)
	// Commands lists them, the newest first.
	Commands(ctx context.Context, q CommandQuery) ([]Command, error)
	// AnswerCommand has a command take an answer, and tells whether that changed it. Then entries makes the lines that are stored with the
	// change; it runs inside the transaction and must not call the store. ErrNotFound when the gateway has no such command.
	AnswerCommand(ctx context.Context, a CommandAnswer, entries func(Command) []audit.Entry) (c Command, changed bool, err error)
}
