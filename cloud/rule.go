package cloud

import (
	"context"
	"encoding/json"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
)

// Rule is a rule of the cloud: a statement over messages, and what is done with its rows.
type Rule struct {
	Name     string
	Document []byte // JSON, as cloud/rule reads it
	Created  time.Time
	Changed  time.Time
}

// RuleStore keeps rules as people want them.
type RuleStore interface {
	Rule(ctx context.Context, name string) (Rule, error) // ErrNotFound
	Rules(ctx context.Context) ([]Rule, error)           // by name
	// ChangeRule has change make of what is there (nil: nothing) what is to be there (nil: nothing), with the lines that tell of it. In the
	// same transaction an InboxChange goes into the inbox, so that the change takes its place in the order of messages. An error of
	// change is returned as it is, and nothing is kept then. change must not call the store.
	ChangeRule(ctx context.Context, name string, change func(*Rule) (*Rule, []audit.Entry, error)) error
}

// InboxKind says what an inbox item is.
type InboxKind uint8

// The kinds of inbox items.
const (
	InboxMessage InboxKind = iota // Payload is a message's
	InboxBlock                    // Payload is a block of sync/wire: the samples of Thing that rules want to see
	InboxChange                   // of the rule Rule: Payload is its document now, empty when it is gone
)

// InboxItem is what rules are to look at. Items are looked at once each, in the order of their ids.
type InboxItem struct {
	ID         uint64            `json:"-"` // the store gives it
	Kind       InboxKind         `json:"-"`
	Payload    []byte            `json:"-"`
	Thing      string            `json:"thing,omitempty"` // who published it
	Topic      string            `json:"topic,omitempty"`
	Rule       string            `json:"rule,omitempty"` // of a message: only this rule looks at it
	Trace      string            `json:"trace,omitempty"`
	ClientID   string            `json:"client,omitempty"`
	Principal  string            `json:"principal,omitempty"`
	Received   time.Time         `json:"received"`
	Hops       int               `json:"hops,omitempty"` // how many rules have passed it on
	Properties map[string]string `json:"properties,omitempty"`
	User       [][2]string       `json:"user,omitempty"`
}

// AppliedRule is a rule as those who look at messages have it: they apply a change when they come to it in the inbox.
type AppliedRule struct {
	Name     string
	Document []byte // empty: it is gone
	State    []byte // of its windows, as sync/rule encodes it
}

// RuleStep is what came of a run of inbox items.
type RuleStep struct {
	Upto   uint64 // items up to and including this one are done; 0: none, it was the clock
	Rules  []AppliedRule
	Events []RuleEvent
	Out    []OutboxItem // Event is a place in Events, from 1
	Dead   []OutboxItem // could not even be tried: Error says why
}

// RuleInbox is what rules have still to look at.
type RuleInbox interface {
	// PutInbox puts items behind the others. They are durable when it returns. (Append and ChangeRule put items in, too.)
	PutInbox(ctx context.Context, items ...InboxItem) error
	// Arrived has something in it after items were put in, by whomever.
	Arrived() <-chan struct{}
	// Inbox gives the oldest items above an id: at most max, and no more than some MiB.
	Inbox(ctx context.Context, after uint64, max int) ([]InboxItem, error)
	// AppliedRules are the rules as of the last step, by name.
	AppliedRules(ctx context.Context) ([]AppliedRule, error)
	// Step keeps what came of a run of items and takes them out of the inbox, in one transaction. It sets the ids of step.Out.
	Step(ctx context.Context, step *RuleStep) error
}

// OutboxItem is one execution of an action. It carries all that is needed: its rule may be gone when its turn comes.
type OutboxItem struct {
	ID      uint64          `json:"-"` // the store gives it; later ones are larger, for ever
	Queue   string          `json:"-"` // a rule's name, a slash, and which action
	Event   uint64          `json:"-"` // the RuleEvent that waits for it; 0: none
	Due     time.Time       `json:"-"` // not before this
	Payload []byte          `json:"-"`
	Rule    string          `json:"rule"`
	Action  int             `json:"action"` // its place in the rule, from 0; -1: the error action
	Kind    string          `json:"kind"`
	Lane    string          `json:"lane,omitempty"` // items of a queue with the same lane are executed in order
	Key     string          `json:"key"`            // the same whenever this execution is tried again
	Call    json.RawMessage `json:"call,omitempty"` // what to do, as its kind writes it
	Created time.Time       `json:"created"`
	Tries   int             `json:"tries,omitempty"`
	Error   string          `json:"error,omitempty"` // of the last try
}

// RuleEvent waits for all actions of one row of a rule, to tell its error action of those that failed.
type RuleEvent struct {
	ID       uint64          `json:"-"`
	Open     int             `json:"-"` // actions that are not done
	Data     json.RawMessage `json:"data"`
	Failures []ActionFailure `json:"failures,omitempty"`
}

// ActionFailure is an action that failed for good, in AWS IoT's words.
type ActionFailure struct {
	Action   string `json:"failedAction"`
	Resource string `json:"failedResource"`
	Message  string `json:"errorMessage"`
}

// Settlement is what came of trying an item.
type Settlement struct {
	Item    OutboxItem // as read; Tries and Error as they are now
	Later   time.Time  // try it again at this time; zero: it is over
	Failure *ActionFailure
	Chain   *InboxItem // goes into the inbox with it
	Batch   *Batch     // is stored with it
}

// RuleOutbox is what actions have still to do.
type RuleOutbox interface {
	// Queues says how many items each queue has.
	Queues(ctx context.Context) (map[string]int, error)
	// Outbox gives the oldest items of a queue: at most max, and no more than some MiB.
	Outbox(ctx context.Context, queue string, max int) ([]OutboxItem, error)
	// Settle keeps what came of items of one queue, all or nothing. Those that are over leave the outbox; with a Failure they become dead ones. When all
	// actions of an event are over and some failed, failed makes the item of its error action (nil: none); it runs inside the
	// transaction and must not call the store. Settle gives the items that failed made.
	Settle(ctx context.Context, list []Settlement, failed func(RuleEvent) *OutboxItem) ([]OutboxItem, error)
}

// DeadItem is an execution that failed for good.
type DeadItem struct {
	ID     uint64    `json:"id"`
	Failed time.Time `json:"failed"`
	OutboxItem
}

// RuleDead keeps the newest of the executions that failed.
type RuleDead interface {
	// DeadItems lists a rule's, the newest first, below an id (0: from the newest).
	DeadItems(ctx context.Context, rule string, before uint64, max int) ([]DeadItem, error)
	// Revive puts a dead item into the outbox again, with the lines that tell of it. ErrNotFound.
	Revive(ctx context.Context, rule string, id uint64, entries ...audit.Entry) (OutboxItem, error)
}
