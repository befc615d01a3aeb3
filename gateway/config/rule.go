package config

import (
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Rule is something the gateway does by itself, whether the cloud is there or not. Its SQL, conditions and templates
// have been parsed once, so that parsing them again gives no error; they are texts here because what is parsed holds state.
type Rule struct {
	Name string

	// When is a condition over points; the rule is on from its being true for For, until Until is true (without Until: until
	// When is no longer true). Either When or SQL is set.
	When  string
	For   time.Duration
	Until string

	// SQL is a statement over samples; each row is one occasion to act.
	SQL string

	// Every: the rule also looks at this interval: a When that is still true acts again.
	Every time.Duration

	Do    Actions // when the rule comes on, and for each row
	End   Actions // when it goes off
	Alarm *Alarm  // on while the rule is on
}

// Actions are what a rule does, in this order.
type Actions struct {
	Set     []Assignment // virtual points
	Write   []Assignment // points of equipment, within the same limits as everybody else's writes
	Publish *Publish
	Scan    *Hurry
	Exec    *Exec
}

// Assignment gives a point a value. Value is a constant (false, 20.5, "stop") or a template of points (${press.oil_temp * 2}); in a rule of
// SQL a template of the row's fields (${value}).
type Assignment struct {
	Point telemetry.PointID
	Value string
}

// Publish sends a message to the cloud, below dt/{gateway}/ unless the topic says otherwise. Topic and Payload are templates.
type Publish struct{ Topic, Payload string }

// Hurry reads points faster for a while.
type Hurry struct {
	Points []telemetry.PointID
	Scan   time.Duration
	For    time.Duration
}

// Exec runs a program that the configuration's list `exec` allows: no shell, no environment but PATH and what the rule says of itself.
type Exec struct {
	Command []string // the first is an absolute path; the others are templates
	Timeout time.Duration
}

// Alarm is what a rule tells people. Its name is the rule's.
type Alarm struct {
	Text   string // a template of points
	Config alarm.Config
}

// Guard is what a value must pass before it is written to equipment, whoever asks: a person, a rule, the cloud. Range is beside it, in
// Point.
type Guard struct {
	Interlock string        // a condition over points that must be true; empty: none
	Every     time.Duration // at least this long between two writes; 0: none
	Step      float64       // the largest change against what the point reads, in its unit; 0: any
	Tolerance float64       // how far the value read back may be from the one written, in the point's unit; 0: what its type rounds
	TTL       time.Duration // how long an order may wait before it is refused; default 1 min
}
