package ingest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/penstock-edge/penstock/cloud"
)

// maxPending is how many points may wait for one watcher.
const maxPending = 1 << 16

// watchers are those who want to see samples as they come. Nobody waits for them.
type watchers struct {
	coalesced, dropped atomic.Uint64

	mu  sync.RWMutex
	all map[*watcher]struct{}
}

// watcher collects events until its channel takes them: of each point the newest sample, of each thing the last presence,
// of each alarm and command where it is.
type watcher struct {
	thing string // empty: every thing
	wake  chan struct{}

	mu      sync.Mutex
	pending map[string]*waiting // by thing
	points  int                 // in pending, with alarms and commands
}

// waiting is what has not been taken of one thing.
type waiting struct {
	live   cloud.Live
	places map[string]int // of points in live.Samples

	alarms, commands map[string]int // places too, by name and by execution
}

func newWaiting(thing string) *waiting {
	return &waiting{live: cloud.Live{Thing: thing}, places: map[string]int{}, alarms: map[string]int{}, commands: map[string]int{}}
}

// Watch gives events of a thing, of every thing when it is empty, until ctx ends and the channel is closed. Who takes them slowly
// gets fewer and newer ones: Live.Count still counts all.
func (in *Ingest) Watch(ctx context.Context, thing string) <-chan cloud.Live {
	w := &watcher{thing: thing, wake: make(chan struct{}, 1), pending: map[string]*waiting{}}
	in.watchers.add(w)
	out := make(chan cloud.Live)
	go func() {
		defer close(out)
		defer in.watchers.remove(w)
		w.deliver(ctx, out)
	}()
	return out
}

// Presence tells those who watch that a thing's connection changed. The store is told by whoever calls this.
func (in *Ingest) Presence(thing string, p cloud.Presence) {
	in.Tell(cloud.Live{Thing: thing, Presence: &p})
}

// wanted reports whether anybody would see live samples of a thing.
func (in *Ingest) wanted(thing string) bool {
	if len(in.onLive) > 0 {
		return true
	}
	in.watchers.mu.RLock()
	defer in.watchers.mu.RUnlock()
	for w := range in.watchers.all {
		if w.sees(thing) {
			return true
		}
	}
	return false
}

// Tell tells those who watch. Nobody waits for them.
func (in *Ingest) Tell(live cloud.Live) {
	for _, f := range in.onLive {
		f(live)
	}
	in.tellWatchers(live)
}

func (in *Ingest) tellWatchers(live cloud.Live) {
	in.watchers.mu.RLock()
	defer in.watchers.mu.RUnlock()
	for w := range in.watchers.all {
		if w.sees(live.Thing) {
			coalesced, dropped := w.put(live)
			in.watchers.coalesced.Add(coalesced)
			in.watchers.dropped.Add(dropped)
		}
	}
}

func (ws *watchers) add(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all == nil {
		ws.all = map[*watcher]struct{}{}
	}
	ws.all[w] = struct{}{}
}

func (ws *watchers) remove(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w)
}

func (w *watcher) sees(thing string) bool { return w.thing == "" || w.thing == thing }

// put merges an event into what waits for its thing. It counts the samples that a newer one replaced, and those without room.
func (w *watcher) put(live cloud.Live) (coalesced, dropped uint64) {
	w.mu.Lock()
	at := w.pending[live.Thing]
	if at == nil {
		at = newWaiting(live.Thing)
		w.pending[live.Thing] = at
	}
	at.live.Count += live.Count
	if live.Presence != nil {
		at.live.Presence = live.Presence
	}
	dropped += w.putChanges(at, live)
	for _, s := range live.Samples {
		place, there := at.places[s.Point]
		switch {
		case there:
			coalesced++
			if s.Sample.Time >= at.live.Samples[place].Sample.Time {
				at.live.Samples[place] = s
			}
		case w.room(&dropped):
			at.places[s.Point] = len(at.live.Samples)
			at.live.Samples = append(at.live.Samples, s)
		}
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return coalesced, dropped
}

// putChanges merges alarms and commands: of each the newest, since what a watcher wants to know is where they are.
func (w *watcher) putChanges(at *waiting, live cloud.Live) (dropped uint64) {
	for _, a := range live.Alarms {
		if place, there := at.alarms[a.Name]; there {
			if a.Sequence >= at.live.Alarms[place].Sequence {
				at.live.Alarms[place] = a
			}
		} else if w.room(&dropped) {
			at.alarms[a.Name] = len(at.live.Alarms)
			at.live.Alarms = append(at.live.Alarms, a)
		}
	}
	for _, c := range live.Commands {
		if place, there := at.commands[c.Execution]; there {
			at.live.Commands[place] = c
		} else if w.room(&dropped) {
			at.commands[c.Execution] = len(at.live.Commands)
			at.live.Commands = append(at.live.Commands, c)
		}
	}
	return dropped
}

// room makes room for one more, or counts what has none.
func (w *watcher) room(dropped *uint64) bool {
	if w.points == maxPending {
		*dropped++
		return false
	}
	w.points++
	return true
}

// deliver sends what waits, thing after thing, until ctx ends.
func (w *watcher) deliver(ctx context.Context, out chan<- cloud.Live) {
	for {
		select {
		case <-w.wake:
		case <-ctx.Done():
			return
		}
		for live, ok := w.take(); ok; live, ok = w.take() {
			select {
			case out <- live:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (w *watcher) take() (cloud.Live, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for thing, at := range w.pending {
		delete(w.pending, thing)
		w.points -= len(at.live.Samples) + len(at.live.Alarms) + len(at.live.Commands)
		return at.live, true
	}
	return cloud.Live{}, false
}
