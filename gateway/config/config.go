// Package config turns YAML into a Config and explains every mistake on the way.
//
// It knows the shape of the file, templates and units, and learns each protocol's keys from the adapters.Kind
// it is given. It touches nothing but files: no socket, no device. The rooms of gateway/ may use its types.
package config

import (
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Config is one gateway, checked: names are resolved, units expanded, every default filled in.
type Config struct {
	Path        string // the file it came from
	Gateway     Gateway
	State       string                   // the folder of the gateway's own state; default /var/lib/penstock
	Scan        map[string]time.Duration // named scan rates; `normal` is the default
	Connections []Connection             // in the file's order
	Points      []Point                  // by ID: Points[i].ID == i
	Buffer      Buffer
	Cloud       []Target
	Local       Local
}

// Gateway says who this is.
type Gateway struct {
	ID       string // the thing's name in the cloud; default the host's name
	Site     string
	Timezone *time.Location
}

// Connection is one wire or socket and the devices on it.
type Connection struct {
	Name     string
	Kind     string // adapters.Kind.Name
	Settings adapters.Connection
	Devices  []Device
}

// Device is one piece of field equipment.
type Device struct {
	Name     string
	Tags     map[string]string
	Template string
	Settings adapters.Device
	Points   []telemetry.PointID
}

// Access says what may be done with a point.
type Access string

// What may be done with a point: read only is the default.
const (
	ReadOnly  Access = "r"
	ReadWrite Access = "rw"
)

// Point is one named signal.
type Point struct {
	adapters.Point
	Unit      string        // engineering unit, as shown: "°C"
	Scan      time.Duration // how often it is read; 0 when it is pushed
	Deadband  *Deadband     // nil: every sample is kept
	Heartbeat time.Duration // with a deadband, and while bad: one sample is kept at least this often
	Range     *Range        // nil: no limits
	Access    Access
	Enum      map[int64]string
}

// FullName is the point's name everywhere outside its device: device.point.
func (p Point) FullName() string { return p.Device + "." + p.Name }

// Deadband is how far a number must move before a sample is kept. Exactly one of the two is set, or neither
// (`deadband: 0`): then every change is kept, and only changes.
type Deadband struct {
	Absolute float64 // in the point's unit
	Percent  float64 // of the point's range where it has one, else of the last kept value
}

// Range is a point's limits, both included. A value outside is kept as read, with quality bad: out of range; a write outside is refused.
type Range struct{ Min, Max float64 }

// Full says what gives way when the buffer is full.
type Full string

// What gives way when the buffer is full.
const (
	DropOldest Full = "drop-oldest"
	DropNewest Full = "drop-newest"
)

// Buffer is the durable queue's settings.
type Buffer struct {
	Path    string        // default STATE/buffer
	MaxSize int64         // bytes; default 8 GiB
	MaxAge  time.Duration // 0: no limit
	Full    Full
	Flush   time.Duration // what a power cut can take; default 1s
	Keep    []string      // point names or globs that give way last, and the word alarms
}

// Target is one cloud the gateway syncs to.
type Target struct {
	Name     string
	URL      string // mqtts://host:port
	Identity Identity
	Send     time.Duration // block length; default 5s
	Only     []string
	Shadow   []string
	Commands []string
}

// Identity is where a target's key, certificate and CA are; default STATE/identity/NAME.{key,crt,ca}.
type Identity struct{ KeyFile, Cert, CA string }

// Local is the status page's listener; empty Web switches it off.
type Local struct{ Web string }
