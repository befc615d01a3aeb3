package opcua

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Browse has the variables below a node become points of a device.
type Browse struct {
	From   string        `yaml:"from" required:"true"` // node id
	Match  string        `yaml:"match"`                // of paths of browse names, as **/Temperature; empty: all
	Max    int           `yaml:"max"`                  // more than these are an error; 0: 500
	Sample time.Duration `yaml:"sample"`               // as of a point
}

const defaultMaxFound = 500

func (b Browse) search() Search {
	s := Search{From: b.From, Match: b.Match, Max: b.Max}
	if s.Max == 0 {
		s.Max = defaultMaxFound
	}
	return s
}

func (b Browse) check() error {
	if _, err := parseNode(b.From); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if b.Max < 0 || b.Max > maxVisited {
		return fmt.Errorf("max: %d is not from 1 to %d", b.Max, maxVisited)
	}
	if b.Sample < 0 {
		return fmt.Errorf("sample: %s is below zero", b.Sample)
	}
	return checkMatch(b.Match)
}

// listing is what was found, by what was looked for.
type listing map[string][]Found

func (s Search) key() string { return s.From + " " + s.Match }

// ListFile is where that is kept.
func (c *Connection) ListFile() string { return filepath.Join(c.Folder, "browse.json") }

func (c *Connection) listing() (listing, error) {
	raw, err := os.ReadFile(c.ListFile())
	if err != nil {
		return nil, err
	}
	var l listing
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ListFile(), err)
	}
	return l, nil
}

// Explore looks for what the devices browse for, and keeps it for their List. It reports whether that is other than it was.
func (c *Connection) Explore(ctx context.Context, devices []adapters.Device, log *slog.Logger) (changed bool, err error) {
	old, err := c.listing()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("what was found before can't be read; it is looked for again", "err", err)
	}
	fresh := listing{}
	for _, d := range devices {
		for _, b := range d.(*Device).Browse {
			found, err := c.Browse(ctx, b.search(), log)
			if err != nil {
				return false, err
			}
			for i := range found {
				found[i].Value = "" // it moves, and is of no use here
			}
			fresh[b.search().key()] = found
		}
	}
	was, err := json.Marshal(old)
	if err != nil {
		return false, err
	}
	is, err := json.Marshal(fresh)
	if err != nil || string(is) == string(was) {
		return false, err
	}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return false, err
	}
	return true, replaceFile(c.ListFile(), is, 0o644)
}

// List gives the points of events, and those that were found when the server was looked at last. An array becomes a point for each of its elements.
func (d *Device) List() (points map[string]adapters.Spec, err error) {
	points = map[string]adapters.Spec{}
	for _, e := range d.Events {
		name, spec := e.point()
		points[name] = spec
	}
	if len(d.Browse) == 0 {
		return points, nil
	}
	l, err := d.connection.listing()
	if errors.Is(err, fs.ErrNotExist) {
		l, err = nil, nil
	}
	if err != nil {
		return points, err
	}
	for _, b := range d.Browse {
		found, known := l[b.search().key()]
		if !known {
			err = adapters.ErrNotAsked
		}
		for _, f := range found {
			for name, spec := range f.specs(b.Sample) {
				points[name] = spec
			}
		}
	}
	return points, err
}

// maxElements is how many elements of an array become points.
const maxElements = 1000

func (f Found) specs(sample time.Duration) map[string]adapters.Spec {
	if f.Length == 0 {
		return map[string]adapters.Spec{f.Name: &Spec{At: f.At, Index: wholeValue, Sample: sample}}
	}
	elements := map[string]adapters.Spec{}
	for i := range min(f.Length, maxElements) {
		elements[fmt.Sprintf("%s_%d", f.Name, i)] = &Spec{At: f.At, Index: i, Sample: sample}
	}
	return elements
}
