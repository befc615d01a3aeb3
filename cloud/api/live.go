package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

const (
	livePath  = "/api/v1/live"
	liveEvery = 250 * time.Millisecond // a screen shows no more; what comes between is merged by Watch
	heartbeat = 15 * time.Second       // below the minute after which proxies cut what is silent
	liveWrite = 10 * time.Second       // for one write to a watcher that does not read
)

// liveEvent is the data of an event "samples" or "presence".
type liveEvent struct {
	Thing    string          `json:"thing"`
	Count    int             `json:"count,omitempty"` // samples that came in, of which the newest of each point follow
	Samples  []liveSample    `json:"samples,omitempty"`
	Presence *cloud.Presence `json:"presence,omitempty"`
}

type liveSample struct {
	Point string `json:"point"`
	sample
}

// live sends server-sent events of a gateway (all points of it are looked at, or those named by point), or of every thing, until the asker goes or the server stops. Each is an event "samples", "presence", "alarms" or "commands".
func (a *api) live(w http.ResponseWriter, r *http.Request) error {
	thing := r.FormValue("gateway")
	if thing != "" {
		if _, err := a.o.Store.Thing(r.Context(), thing); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	out := stream{w, http.NewResponseController(w)}
	events := a.o.Watch(r.Context(), thing)
	if thing != "" && a.o.Look != nil {
		a.o.Look(r.Context(), thing, r.Form["point"]...)
	}
	if err := out.send("retry: 2000\n\n"); err != nil {
		return nil
	}
	return pump(r, events, out)
}

// pump takes an event at most every liveEvery. While it waits Watch merges what comes.
func pump(r *http.Request, events <-chan cloud.Live, out stream) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	pace := time.NewTicker(liveEvery)
	defer pace.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			err = out.send(": still here\n\n")
		case <-pace.C:
			err = drain(events, out)
		}
		if err != nil {
			return nil // the watcher is gone
		}
	}
}

// drain sends what waits now. Watch needs a moment between two things.
func drain(events <-chan cloud.Live, out stream) error {
	enough := time.NewTimer(liveEvery / 2)
	defer enough.Stop()
	for {
		select {
		case live, open := <-events:
			if !open {
				return http.ErrServerClosed
			}
			if err := out.event(live); err != nil {
				return err
			}
		case <-time.After(time.Millisecond):
			return nil
		case <-enough.C:
			return nil
		}
	}
}

// stream writes server-sent events.
type stream struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

func (s stream) event(l cloud.Live) error {
	if l.Presence != nil {
		if err := s.data("presence", liveEvent{Thing: l.Thing, Presence: l.Presence}); err != nil {
			return err
		}
	}
	if err := s.changes(l); err != nil || len(l.Samples) == 0 && l.Count == 0 {
		return err
	}
	e := liveEvent{Thing: l.Thing, Count: l.Count, Samples: make([]liveSample, len(l.Samples))}
	for i, p := range l.Samples {
		e.Samples[i] = liveSample{p.Point, sample{time.Unix(0, p.Sample.Time).UTC(), p.Sample.Value, p.Sample.Quality.String()}}
	}
	return s.data("samples", e)
}

// changes sends where alarms are, and what became of commands.
func (s stream) changes(l cloud.Live) error {
	if len(l.Alarms) > 0 {
		if err := s.data("alarms", map[string]any{"thing": l.Thing, "alarms": l.Alarms}); err != nil {
			return err
		}
	}
	if len(l.Commands) > 0 {
		return s.data("commands", map[string]any{"thing": l.Thing, "commands": l.Commands})
	}
	return nil
}

func (s stream) data(name string, e any) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, text))
}

// send writes an event within liveWrite. The deadline is taken back: over HTTP/2 one that is left standing resets the stream
// when it comes, though nothing is being written.
func (s stream) send(text string) error {
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.ctrl.Flush(); err != nil {
		return err
	}
	return s.ctrl.SetWriteDeadline(time.Time{})
}
