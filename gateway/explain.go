package gateway

import (
	"fmt"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/gateway/status"
)

// lessonRoom is the shelf of what adapters have learned, by device.
const lessonRoom = "lessons"

// lessons are what adapters have learned, kept across restarts.
type lessons struct{ db *state.DB }

func (l lessons) Lesson(device string) []byte {
	lesson, err := l.db.Get(lessonRoom, device)
	if err != nil {
		return nil // it is learned again
	}
	return lesson
}

func (l lessons) Keep(device string, lesson []byte) error {
	return l.db.Put(lessonRoom, device, lesson)
}

// Explain says how a device is read, and what was learned of it.
func (g *Gateway) Explain(device string) (status.Explanation, error) {
	return explain(g.cfg, device, lessons{g.state}.Lesson(device))
}

// Explain says how a device of a gateway that does not run will be read, knowing what an earlier run has learned of it.
func Explain(cfg *config.Config, device string) (status.Explanation, error) {
	lesson, err := state.Peek(cfg.State, lessonRoom, device)
	if err != nil {
		return status.Explanation{}, fmt.Errorf("look for what was learned of %s: %w", device, err)
	}
	return explain(cfg, device, lesson)
}

func explain(cfg *config.Config, name string, lesson []byte) (status.Explanation, error) {
	c, d, ok := find(cfg, name)
	if !ok {
		return status.Explanation{}, fmt.Errorf("%w: no device is called %q in %s", status.ErrNoPoint, name, cfg.Path)
	}
	out := status.Explanation{Device: d.Name, Connection: c.Name, Kind: c.Kind, Learned: len(lesson) > 0}
	planner, ok := d.Settings.(adapters.Planner)
	if !ok {
		return out, fmt.Errorf("%w: devices on %s are not read by a plan", status.ErrNoPoint, c.Kind)
	}
	for _, scan := range scansOf(cfg, d) {
		var points []adapters.Point
		for _, id := range d.Points {
			if p := cfg.Points[id]; p.Scan == scan {
				points = append(points, p.Point)
			}
		}
		plan, err := planner.Plan(points, lesson)
		if err != nil {
			return out, fmt.Errorf("plan the reading of %s: %w", name, err)
		}
		out.Readings = append(out.Readings, status.Reading{Every: scan.String(), Requests: plan.Requests, Missing: plan.Missing})
		out.Facts = plan.Facts
	}
	return out, nil
}

func find(cfg *config.Config, device string) (config.Connection, config.Device, bool) {
	for _, c := range cfg.Connections {
		for _, d := range c.Devices {
			if d.Name == device {
				return c, d, true
			}
		}
	}
	return config.Connection{}, config.Device{}, false
}

// scansOf are the rates at which points of a device are asked for, fastest first.
func scansOf(cfg *config.Config, d config.Device) (scans []time.Duration) {
	for _, id := range d.Points {
		if p := cfg.Points[id]; !p.Spec.Pushed() && !slices.Contains(scans, p.Scan) {
			scans = append(scans, p.Scan)
		}
	}
	slices.Sort(scans)
	return scans
}
