package opcua

import (
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Device is one piece of equipment behind a server.
type Device struct {
	Browse []Browse `yaml:"browse"` // variables that become points
	Events []Events `yaml:"events"` // events that become samples

	connection *Connection
}

// Validate reports every mistake, each as an *adapters.KeyError.
func (d *Device) Validate() error {
	var mistakes []error
	for _, b := range d.Browse {
		if err := b.check(); err != nil {
			mistakes = append(mistakes, &adapters.KeyError{Key: "browse", Err: err, Hint: `for example {from: "ns=2;s=Boiler1", match: "**", max: 500, sample: 1s}`})
		}
	}
	for _, e := range d.Events {
		if err := e.check(); err != nil {
			mistakes = append(mistakes, &adapters.KeyError{Key: "events", Err: err, Hint: `for example {from: "ns=2;s=Boiler1", severity: ">=500"}`})
		}
	}
	return errors.Join(mistakes...)
}

// NewPoint gives the defaults of a point.
func (d *Device) NewPoint() adapters.Spec { return &Spec{Index: wholeValue} }

// wholeValue is the Index of a point that is no element of an array.
const wholeValue = -1

// Spec is where a point is in the server and how it comes.
type Spec struct {
	At     string        `yaml:"at" required:"true"` // node id
	Sample time.Duration `yaml:"sample"`             // the server samples this often and sends changes; 0: read at the point's scan rate
	Queue  int           `yaml:"queue"`              // changes the server keeps between two publishes; 0: enough for two publishing intervals
	Index  int           `yaml:"index"`              // element of an array; -1: the node is no array
	Type   Type          `yaml:"type"`               // what to write; empty: as the server says

	Object string `yaml:"object"` // of a method: the node it is called on. Writing the point calls it
	Result bool   `yaml:"-"`      // the point is what a call gave

	Event    bool `yaml:"-"` // the events of a node, of at least this severity
	Severity int  `yaml:"-"`

	Deadband float64 `yaml:"-"` // from the point's common key, by Filter
	Percent  float64 `yaml:"-"`
}

// maxQueue bounds what one point may hold in the server between two publishes.
const maxQueue = 100_000

// Validate reports every mistake, each as an *adapters.KeyError.
func (s *Spec) Validate() error {
	var mistakes []error
	wrong := func(key string, err error, hint string) {
		mistakes = append(mistakes, &adapters.KeyError{Key: key, Err: err, Hint: hint})
	}
	if _, err := parseNode(s.At); err != nil {
		wrong("at", err, "")
	}
	if s.Sample < 0 {
		wrong("sample", fmt.Errorf("%s is below zero", s.Sample), "for example 100ms")
	}
	switch {
	case s.Queue < 0 || s.Queue > maxQueue:
		wrong("queue", fmt.Errorf("%d is not from 0 to %d", s.Queue, maxQueue), "")
	case s.Queue > 0 && s.Sample == 0:
		wrong("queue", errors.New("only a point that is sampled by the server has a queue"), "add sample: 100ms, or leave queue out")
	}
	if s.Object != "" {
		if _, err := parseNode(s.Object); err != nil {
			wrong("object", err, "the node that has the method")
		}
		if s.Sample > 0 || s.Index != wholeValue {
			wrong("object", errors.New("a method is called, not sampled or indexed"), "take sample and index out")
		}
	}
	if s.Index < wholeValue {
		wrong("index", fmt.Errorf("%d is no element of an array", s.Index), "the first element is 0")
	}
	return errors.Join(mistakes...)
}

// Pushed is true for a point with a sampling interval, whose changes the server sends, and for events.
func (s *Spec) Pushed() bool { return s.Sample > 0 || s.Event }

// Writable leaves it to the server's access level, which is known only once it is asked.
func (s *Spec) Writable() error {
	switch {
	case s.Result:
		return errors.New("it is what a method gave")
	case s.Event:
		return errors.New("events happen")
	}
	return nil
}

// Expand gives a method's point another beside it: what the last call gave.
func (s *Spec) Expand(name string) map[string]adapters.Spec {
	if s.Object == "" {
		return nil
	}
	return map[string]adapters.Spec{name + "_result": &Spec{At: s.At, Object: s.Object, Index: wholeValue, Result: true}}
}

// String is the node id, with the element's index where there is one.
func (s *Spec) String() string {
	switch {
	case s.Result:
		return s.At + "() gave"
	case s.Object != "":
		return s.At + "()"
	case s.Event:
		return "events of " + s.At
	case s.Index == wholeValue:
		return s.At
	}
	return fmt.Sprintf("%s[%d]", s.At, s.Index)
}
