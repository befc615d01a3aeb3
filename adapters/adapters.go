// Package adapters is the seam between the gateway and field equipment.
//
// A protocol is one folder below this one: it knows its wire and nothing of the gateway, the buffer
// or the cloud. It imports sync/telemetry and nothing else of ours. The gateway knows adapters only
// through the interfaces here, and cmd alone knows which there are (adapters/all).
package adapters

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Kind is one protocol. Nothing registers itself: adapters/all lists the kinds.
type Kind struct {
	Name string            // the key that names it in a connection, as in `modbus: tcp`
	Doc  string            // one line for `penstock help` and the reference
	New  func() Connection // the defaults over which a connection's YAML is decoded
	// Wrap gives what is opened in place of settings that have been read, as of a kind that is run in a process of its own; nil: the settings.
	Wrap func(settings Connection) Connection
}

// Connection is the settings of one wire or socket. Connection, Device and Spec are pointers to structs
// whose fields carry `yaml:"key"` tags (optionally with ,inline) and are of plain types: bool, integers, floats, string, time.Duration,
// anything with UnmarshalText, and slices, maps and structs of these. A field tagged `required:"true"`
// must be there. The struct's first mistake is never its last: Validate joins all of them, each as a *KeyError.
type Connection interface {
	Validate() error
	NewDevice() Device // the defaults over which a device on this connection is decoded
	// Open reaches for the equipment. The adapter's log carries the connection's name already.
	Open(ctx context.Context, log *slog.Logger) (Adapter, error)
}

// Device is the protocol's own settings of one device: a unit id, a byte order, a frame.
// A template's YAML is decoded first, the device's own over it.
type Device interface {
	Validate() error
	NewPoint() Spec // the defaults over which a point's YAML is decoded; knows its device
}

// Spec is the protocol's own settings of one point: where it is and how it is decoded.
type Spec interface {
	Validate() error
	Pushed() bool    // the equipment sends it by itself: subscribed, never polled
	Writable() error // nil when this place can be written at all; else the reason
	String() string  // where the point is, as an engineer writes it: "hr:104"
}

// Expander is an optional power of a Spec that stands for several points, as a register with named bits does.
type Expander interface {
	Expand(name string) map[string]Spec // further points beside the one itself, by name
}

// Filterer is an optional power of a Spec that is Pushed: the equipment itself holds back changes within the point's deadband.
type Filterer interface {
	// Filter is called before the point is subscribed to. One of the two is above zero: absolute in the unit of the value, or percent of
	// the range that the equipment knows of. The deadband is applied to what comes all the same.
	Filter(absolute, percent float64)
}

// Lister is an optional power of a Device with points that nobody has to write: those that were found when the equipment was last asked, or
// those of a model that it is said to follow.
type Lister interface {
	List() (points map[string]Spec, err error) // by name; with ErrNotAsked there may be more
}

// Keeper is an optional power of a Connection that has something to keep between two runs, a key for instance.
type Keeper interface {
	Keep(folder string) // its own, and perhaps not there yet; called before Open
}

// Measured is an optional power of a Spec that knows the unit of its values.
type Measured interface {
	Unit() string // "" where there is none
}

// Referrer is an optional power of a Spec that needs another point of its device: a scale factor in a register of its own.
type Referrer interface {
	// Refer is called once every point of the device has been read from the YAML, before anything is planned. find gives the point of that
	// name, which may have mistakes of its own. The error is a *KeyError.
	Refer(find func(name string) (Spec, bool)) error
}

// KeyError is a mistake in one key of the YAML that was decoded.
type KeyError struct {
	Key  string // the key the mistake is in; empty for the whole of it
	Err  error  // what is wrong, as a sentence without a full stop
	Hint string // what to write instead; may be empty
}

func (e *KeyError) Error() string {
	if e.Hint != "" {
		return e.Key + ": " + e.Err.Error() + " (" + e.Hint + ")"
	}
	return e.Key + ": " + e.Err.Error()
}

func (e *KeyError) Unwrap() error { return e.Err }

// Point is one signal as an adapter sees it.
type Point struct {
	ID     telemetry.PointID
	Device string
	Name   string
	Spec   Spec // what this adapter's own Device.NewPoint gave
}

// Adapter is one open connection. One goroutine calls it at a time, save for Subscribe, which runs
// beside the others in a goroutine of its own, and Close, which may come at any time and ends them all.
type Adapter interface {
	// Prepare plans the reading of points that belong to one device and fall due together. It touches no wire,
	// and the Reader stays good until the adapter is closed.
	Prepare(points []Point) (Reader, error)
	Close() error
}

// Reader reads one group of points.
type Reader interface {
	// Read emits every point of its group exactly once before it returns, however it ends: a point
	// that could not be read is emitted Bad with the reason. It ends by ctx's deadline. nil means that
	// the device answered; ErrNoAnswer that this device kept silent and the connection is sound; any
	// other error that the connection is lost and must be opened again.
	Read(ctx context.Context, emit Emit) error
}

// Emit takes samples. The slice belongs to the caller again when Emit returns. It may be called from any goroutine.
type Emit func([]telemetry.Sample)

// Writer is an optional power of an Adapter.
type Writer interface {
	// Write sends one value and returns when the device has confirmed it. Reading it back is the caller's.
	Write(ctx context.Context, p Point, v telemetry.Value) error
}

// Subscriber is an optional power of an Adapter for equipment that speaks by itself.
type Subscriber interface {
	// Subscribe emits what the equipment sends of the points until ctx ends (nil) or the connection is
	// lost (an error). A point that goes silent beyond what was configured is emitted Bad once.
	Subscribe(ctx context.Context, points []Point, emit Emit) error
}

// Resumer is an optional power of a Subscriber whose equipment keeps what it measured.
type Resumer interface {
	// Resume is Subscribe to points that were subscribed to before. It first emits what the equipment recorded from when each was last heard of, since
	// (the time of that sample in nanoseconds, 0 for never; one for each of points), to its first new sample: marked as backfill, each once.
	Resume(ctx context.Context, points []Point, since []int64, emit Emit) error
}

// Learner is an optional power of an Adapter that finds out how its equipment is best read: which addresses it lacks, how much one
// request may ask for, what a request costs. The goroutine that reads calls both.
type Learner interface {
	// Recall gives back what Lessons gave in an earlier life, before Prepare. What can't be understood is learned anew.
	Recall(device string, lesson []byte)
	// Lessons are those of devices of which something was learned since it was last called, by name. nil: none.
	Lessons() map[string][]byte
}

// Planner is an optional power of a Device: it says how points would be read that fall due together.
type Planner interface {
	// Plan takes what Lessons gave of this device; nil: nothing was learned yet. It touches no wire.
	Plan(points []Point, lesson []byte) (Plan, error)
}

// Plan is for an engineer to read.
type Plan struct {
	Requests []Request `json:"requests"`
	Facts    []string  `json:"facts,omitempty"`   // what was learned of the device, a sentence each
	Missing  []string  `json:"missing,omitempty"` // points that the device is known not to have
}

// Request is one question to the device.
type Request struct {
	What    string        `json:"what"`    // as in "hr:100..141, 42 registers"
	Points  []string      `json:"points"`  // that are read by it
	Unasked int           `json:"unasked"` // registers or bits in it that no point asked for
	Takes   time.Duration `json:"takes_ns"`
}

// ErrNotAsked: the equipment was not asked for its points yet.
var ErrNotAsked = errors.New("the equipment was not asked yet for the points that it has")

// Errors of the moment of reading.
var (
	// ErrNoAnswer: the device kept silent, the connection is sound.
	ErrNoAnswer = errors.New("the device did not answer")
)
