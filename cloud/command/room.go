package command

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// MaxOpen is how many commands of a gateway may wait for an answer.
const MaxOpen = 1000

// Store is the part of a cloud.Store that is used here.
type Store interface {
	cloud.CommandStore
	Thing(ctx context.Context, name string) (cloud.Thing, error)
}

// Options are what the room stands on. Store and Publish are required.
type Options struct {
	Store Store
	// Publish sends a message to whoever has subscribed. Nobody having done so is no error.
	Publish func(ctx context.Context, topic string, payload []byte) error
	Tell    func(cloud.Live) // those who watch; may be nil
	Now     func() time.Time // default time.Now
	Log     *slog.Logger     // default slog.Default()
}

// Room follows commands. Every method may be called from any goroutine.
type Room struct {
	o        Options
	reminder *cloud.Reminder

	mu      sync.Mutex
	waiting map[string][]chan struct{} // by execution; closed when its status is final
}

// New makes a room. Run must be running for gateways to be told again, and for commands to expire.
func New(o Options) *Room {
	if o.Tell == nil {
		o.Tell = func(cloud.Live) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Room{o: o, reminder: cloud.NewReminder(), waiting: map[string][]chan struct{}{}}
}

// Connected has a gateway asked again for what it has not answered. Call it for each of the gateway's connections.
func (r *Room) Connected(gateway string) { r.reminder.Connected(gateway) }

// Gone says that a connection of a gateway ended.
func (r *Room) Gone(gateway string) { r.reminder.Gone(gateway) }

func (r *Room) now() time.Time { return r.o.Now().UTC().Round(0) }

// changed tells everybody who wants to know.
func (r *Room) changed(c cloud.Command) {
	r.o.Tell(cloud.Live{Thing: c.Gateway, Commands: []cloud.Command{c}})
	if !c.Status.Final() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, done := range r.waiting[c.Execution] {
		close(done)
	}
	delete(r.waiting, c.Execution)
}
