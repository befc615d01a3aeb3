package command

import (
	"crypto/sha256"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Channel is the way an order came by. It says which list must name the point.
type Channel string

// The channels.
const (
	Local   Channel = "local"   // a person at this gateway: access: rw is enough
	Rule    Channel = "rule"    // a rule of this gateway: access: rw is enough
	Shadow  Channel = "shadow"  // the desired state of a shadow: the target's list `shadow`
	Command Channel = "command" // a command of the cloud: the target's list `commands`
)

// Order asks for a value to be written to a point.
type Order struct {
	Point string          // device.point
	Value telemetry.Value // what to write; when it holds nothing, Text is
	Text  string          // as a person typed it: a number, true, on, the name of one of the point's enum, or text

	Who     string // for the audit log: a person's name, rule:NAME; required
	From    string // the address or the way it came by
	Channel Channel

	// Key makes an order that comes twice happen once: the same key on the same channel gives the same result. Empty: each order is its
	// own.
	Key string

	Issued  time.Time // zero: now
	Expires time.Time // not written after this; zero: Issued and the point's ttl

	answer string // the topic to which the result is to be told; empty: nobody waits for it but the caller of Do
}

// id is the order's key among those of all channels.
func (o Order) id() string { return string(o.Channel) + "/" + o.Key }

// said is the value as it was asked for.
func (o Order) said() string {
	if o.Value.IsNone() {
		return o.Text
	}
	return o.Value.String()
}

// print is what stands for the value wherever orders are compared.
func (o Order) print() string {
	said := o.said()
	if len(said) <= maxKey {
		return said
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(said)))
}

// Bounds of an order, in bytes.
const (
	maxKey   = 128
	maxPoint = 512
	maxText  = 16 << 10
)

// malformed says what is wrong with an order by itself.
func (o Order) malformed() error {
	switch {
	case o.Who == "":
		return refuse(BadRequest, "the order does not say who asks: the audit log needs a name")
	case len(o.Key) > maxKey || !utf8.ValidString(o.Key):
		return refuse(BadRequest, "the order's key is no text of at most %d bytes", maxKey)
	case len(o.Point) > maxPoint:
		return refuse(BadRequest, "the point's name has %d bytes: at most %d", len(o.Point), maxPoint)
	case o.Issued.Year() < 0 || o.Issued.Year() > 9999:
		return refuse(BadRequest, "the order is of the year %d: set the clocks of both ends", o.Issued.Year())
	case len(o.said()) > maxText || !utf8.ValidString(o.said()):
		return refuse(BadRequest, "the value is no text of at most %d bytes", maxText)
	case o.Channel != Local && o.Channel != Rule && o.Channel != Shadow && o.Channel != Command:
		return refuse(BadRequest, "%q is no way by which orders come", o.Channel)
	}
	return nil
}
