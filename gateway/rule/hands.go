package rule

import (
	"context"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Hands are what rules act through. Every call comes from a goroutine of the engine that holds no lock, so it may Put; calls of
// different rules come side by side. Of one rule, the calls of each method come one after the other, in the order of what caused them.
type Hands interface {
	// Set gives virtual points values, as if they had been read. It returns once the samples have been Put.
	Set(samples []telemetry.Sample)

	// Write asks for a value to be written to equipment and waits for what comes of it. After a crash the same Order comes again: its
	// Key tells that it is no new one. An error is counted and logged, and the order is not given again, unless ctx has ended.
	Write(ctx context.Context, o Order) error

	// Publish returns when the message is where no crash takes it. It may wait for the cloud as long as that takes: only this rule's
	// other messages wait with it. An error means that it can't be sent at all, unless ctx has ended: then it comes again.
	Publish(ctx context.Context, topic string, payload []byte) error

	// Hurry reads points faster for a while, and Alarm tells that a rule with an alarm came on or went off. Both return soon; Alarm when
	// no crash takes it.
	Hurry(points []telemetry.PointID, scan, d time.Duration)
	Alarm(a Alarm)
}

// Order is a write that a rule asks for.
type Order struct {
	Point telemetry.PointID
	Value telemetry.Value
	Rule  string
	Key   string    // rule, occasion and place: the same after a crash, never given twice to different writes
	At    time.Time // when the rule decided; what is too old is the receiver's to refuse
}

// Alarm is what became of a rule's condition. After a crash, the last ones may come again, with the time and the number that they had.
type Alarm struct {
	Rule string
	On   bool
	Text string // the alarm's text as the points were at that time
	At   time.Time

	Occasion uint64 // of the rule: grows, also from one configuration to the next
}

// Store is where the engine keeps what must survive: a *state.DB.
type Store interface {
	Update(room string, change func(state.Shelf) error) error
	View(room string, read func(state.Shelf) error) error
}

// shelf is the room's name in the store.
const shelf = "rules"
