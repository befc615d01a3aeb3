package web

import (
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// silence is how long a connected gateway may say nothing before it is late; slower scans allow for three of theirs.
const silence = 2 * time.Minute

// state is how a thing's connection is, with a sign and a word beside its colour.
type state struct{ Class, Sign, Word, Detail string }

// The states.
var (
	up      = state{"up", "●", "up", ""}
	late    = state{"late", "◐", "late", "connected, and silent"}
	down    = state{"down", "✕", "down", "not connected"}
	unknown = state{"unk", "○", "unknown", "never connected"}
)

func stateOf(t cloud.Thing, b *born, now time.Time) state {
	allowed := max(silence, 3*time.Duration(b.fastest)*time.Millisecond)
	switch {
	case t.LastContact.IsZero() && !t.Connected:
		return unknown
	case !t.Connected:
		return down
	case now.Sub(t.LastContact) > allowed:
		return late
	}
	return up
}

// contact is when a thing was last heard of.
type contact struct {
	At  int64 // ms since 1970; 0: never
	Age string
}

func contactOf(at, now time.Time) contact {
	if at.IsZero() {
		return contact{Age: "never"}
	}
	return contact{at.UnixMilli(), age(now.Sub(at))}
}
