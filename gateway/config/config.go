// Package config turns YAML into a Config and explains every mistake on the way.
//
// It knows the shape of the file, templates and units, and learns each protocol's keys from the adapters.Kind
// it is given. It touches nothing but files: no socket, no device. The rooms of gateway/ may use its types;
// cmd calls Load.
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
	Virtual     []Device                 // devices that are behind no connection: rules set their points
	Points      []Point                  // by ID: Points[i].ID == i
	Buffer      Buffer
	Cloud       []Target
	Lead        string // the target that may direct the equipment: the one with shadow, report or commands, else the first penstock-cloud; empty: none
	Local       Local
	Rules       []Rule
	Exec        []string // the programs that rules may run, by absolute path
}

// Gateway says who this is.
type Gateway struct {
	ID       string // the thing's name in the cloud; default the host's name
	Site     string
	Timezone *time.Location
	Clock    Clock
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
	Guard     Guard // of writes, with Access

	fullName string // made once: many hold on to it
}

// FullName is the point's name everywhere outside its device: device.point.
func (p *Point) FullName() string {
	if p.fullName == "" {
		return p.Device + "." + p.Name
	}
	return p.fullName
}
