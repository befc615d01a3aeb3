package isolate

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// order is what the gateway asks for: the payload of open, prepare, read, write and subscribe, as JSON. Each sets what it needs.
type order struct {
	Kind     string          `json:"kind,omitempty"`     // open: the protocol
	Settings json.RawMessage `json:"settings,omitempty"` // open
	Level    slog.Level      `json:"level,omitempty"`    // open: what is worth a line in the log
	Reader   uint32          `json:"reader,omitempty"`   // read
	Points   []point         `json:"points,omitempty"`   // prepare and subscribe; write: one
	Since    []int64         `json:"since,omitempty"`    // subscribe, of a Resumer: when the points were last heard of
	Value    []byte          `json:"value,omitempty"`    // write: a sample that carries it
	Within   time.Duration   `json:"within,omitempty"`   // how long it may take; 0: until it is cancelled
}

// result is how a call ended.
type result struct {
	Error      string `json:"error,omitempty"`
	NoAnswer   bool   `json:"no_answer,omitempty"`  // the error is an adapters.ErrNoAnswer
	Writes     bool   `json:"writes,omitempty"`     // open: the adapter is a Writer
	Subscribes bool   `json:"subscribes,omitempty"` // open: and a Subscriber
	Resumes    bool   `json:"resumes,omitempty"`    // open: and a Resumer
}

// line is one line of the adapter's log.
type line struct {
	Level slog.Level `json:"level"`
	Text  string     `json:"text"`
	With  []string   `json:"with,omitempty"` // keys and values by turns
}

// point is an adapters.Point whose Spec is not understood yet.
type point struct {
	ID     telemetry.PointID `json:"id"`
	Device string            `json:"device"`
	Name   string            `json:"name"`
	Spec   json.RawMessage   `json:"spec"`
}

func packPoints(points []adapters.Point) ([]point, error) {
	packed := make([]point, len(points))
	for i, p := range points {
		spec, err := json.Marshal(p.Spec)
		if err != nil {
			return nil, fmt.Errorf("point %s.%s: %w", p.Device, p.Name, err)
		}
		packed[i] = point{p.ID, p.Device, p.Name, spec}
	}
	return packed, nil
}

func unpackPoints(settings adapters.Connection, packed []point) ([]adapters.Point, error) {
	device := settings.NewDevice()
	points := make([]adapters.Point, len(packed))
	for i, p := range packed {
		spec := device.NewPoint()
		if err := json.Unmarshal(p.Spec, spec); err != nil {
			return nil, fmt.Errorf("point %s.%s: %w", p.Device, p.Name, err)
		}
		points[i] = adapters.Point{ID: p.ID, Device: p.Device, Name: p.Name, Spec: spec}
	}
	return points, nil
}

func resultOf(err error) result {
	if err == nil {
		return result{}
	}
	return result{Error: err.Error(), NoAnswer: errors.Is(err, adapters.ErrNoAnswer)}
}

// remoteError is an error of the other process: its text, and the one thing that callers ask of it.
type remoteError struct {
	text     string
	noAnswer bool
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Is(target error) bool { return e.noAnswer && target == adapters.ErrNoAnswer }

func (r result) err() error {
	if r.Error == "" {
		return nil
	}
	return &remoteError{r.Error, r.NoAnswer}
}
