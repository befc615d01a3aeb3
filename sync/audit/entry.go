package audit

import (
	"maps"
	"slices"
	"time"
)

// Outcome is what came of an action.
type Outcome string

// The outcomes. An action that takes time has an Asked first and one of the others later, under one Trace.
const (
	Asked   Outcome = "asked"
	Done    Outcome = "done"
	Refused Outcome = "refused" // by a rule of ours: no right, out of range, too late
	Failed  Outcome = "failed"  // by what lies beyond: the device did not answer, the disk was full
)

// Entry is one thing that somebody did, or was not allowed to do.
type Entry struct {
	Time    time.Time         `json:"time"`
	Who     string            `json:"who"`              // a person's or a thing's name; rule:oil_hot; penstock for the program itself
	From    string            `json:"from,omitempty"`   // the address or the way it came by
	Action  string            `json:"action"`           // noun.verb: shadow.update, point.write, alarm.acknowledge
	Object  string            `json:"object"`           // what it was done to: plant7:press, press.recipe
	Outcome Outcome           `json:"outcome"`          //
	Reason  string            `json:"reason,omitempty"` // why it was refused, or failed
	Trace   string            `json:"trace,omitempty"`  // joins the entries of one request, on both sides
	Details map[string]string `json:"details,omitempty"`
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
