package cloud

import (
	"context"
	"time"
)

// ThingKind says what a thing is.
type ThingKind string

// The kinds of thing.
const (
	KindGateway ThingKind = "gateway" // runs penstock; publishes blocks
	KindDevice  ThingKind = "device"  // field equipment behind a gateway; named gateway:device
	KindThing   ThingKind = "thing"   // connects by itself with any MQTT client
)

// Thing is an entry in the registry. Names are 1 to 128 of a-z A-Z 0-9 : _ - and never change.
type Thing struct {
	Name    string    `json:"name"`
	Kind    ThingKind `json:"kind"`
	Created time.Time `json:"created"`

	// What the thing says of itself when it connects (its birth), as JSON; empty until then.
	Birth []byte `json:"-"`

	Connected   bool      `json:"connected"`
	LastContact time.Time `json:"last_contact"` // zero: never connected
	Address     string    `json:"address,omitempty"`
}

// ThingStore is the registry.
type ThingStore interface {
	CreateThing(ctx context.Context, t Thing) error // ErrExists
	Thing(ctx context.Context, name string) (Thing, error)
	Things(ctx context.Context, kind ThingKind) ([]Thing, error) // by name; every kind when empty
	SetBirth(ctx context.Context, name string, birth []byte) error
	// SetPresence records a connection or its end. It is called at most once a second a thing.
	SetPresence(ctx context.Context, name string, connected bool, at time.Time, address string) error
}
