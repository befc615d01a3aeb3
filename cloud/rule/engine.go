package rule

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Store is the part of a cloud.Store that is used here.
type Store interface {
	cloud.RuleStore
	cloud.RuleInbox
	cloud.RuleOutbox
	cloud.RuleDead
	Thing(ctx context.Context, name string) (cloud.Thing, error)
}

// Options are what rules may do. Store and Publish are required.
type Options struct {
	Store Store
	// Publish sends a message as a client's would be, and returns without waiting for subscribers. It does not call Take: rules that want to
	// see the message do. An error that wraps cloud.ErrInvalid comes again however often it is tried.
	Publish func(ctx context.Context, p Publication) error
	// Raise raises an alarm; raising the same again changes nothing. nil: rules raise none.
	Raise func(ctx context.Context, a Alarm) error
	Tell  func(cloud.Live) // those who watch, of what store actions stored; may be nil

	Webhooks  Webhooks
	NATS      string                                          // URL of a server with JetStream; empty: none
	Functions map[string]func([]sql.Value) (sql.Value, error) // sql.Options
	Account   string

	Late       time.Duration // how long windows wait for blocks that are on their way; default 10 s
	Patience   time.Duration // how long an action other than http is tried; default 24 h
	Backoff    time.Duration // before the second try; default 1 s
	MaxHops    int           // how often rules may pass a message on; default 4
	MaxWaiting int           // executions that may wait for one action; default 100,000
	Log        *slog.Logger  // default slog.Default()
}

// Bounds of what one rule may hold in the memory that all share.
const (
	maxGroups = 10_000
	maxEvents = 100_000
)

func (o Options) withDefaults() Options {
	if o.Tell == nil {
		o.Tell = func(cloud.Live) {}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	for value, standard := range map[*time.Duration]time.Duration{&o.Late: 10 * time.Second, &o.Patience: 24 * time.Hour, &o.Backoff: time.Second} {
		if *value <= 0 {
			*value = standard
		}
	}
	for value, standard := range map[*int]int{&o.MaxHops: 4, &o.MaxWaiting: 100_000} {
		if *value <= 0 {
			*value = standard
		}
	}
	return o
}

// kinds makes actions.
type kinds struct {
	o     *Options
	allow allowList
}

// Engine runs rules. Every method may be called from any goroutine; Run once.
type Engine struct {
	kinds
	client  *http.Client
	fresh   *http.Client
	nats    stream
	pickers sync.Pool // of *picker

	changing sync.Mutex            // held while a rule is changed
	known    map[string]cloud.Rule // as stored, under changing
	filters  atomic.Pointer[filters]

	tally  tally
	pumps  pumps
	doings map[string]doing // by kind; never changes
}

// doing executes an action's item once. What it gives is settled with the item. An error that is a refusal, or wraps cloud.ErrInvalid,
// cloud.ErrNotFound or cloud.ErrConflict, is for good.
type doing func(ctx context.Context, item *cloud.OutboxItem) (cloud.Settlement, error)

// New makes an engine. From then on messages must be handed to it (Take, Block, Message), and Run must be started.
func New(ctx context.Context, o Options) (*Engine, error) {
	o = o.withDefaults()
	allow, err := newAllowList(o.Webhooks.Allow)
	if err != nil {
		return nil, fmt.Errorf("allowed destinations of webhooks: %w", err)
	}
	e := &Engine{kinds: kinds{&o, allow}, client: newClient(o.Webhooks, false), fresh: newClient(o.Webhooks, true), nats: stream{url: o.NATS, log: o.Log}}
	e.pickers.New = func() any { return &picker{dec: wire.NewDecoder(), enc: wire.NewEncoder(wire.Fastest)} }
	e.tally.of = map[string]*Counts{}
	e.pumps = pumps{e: e, of: map[string]*pump{}, waiting: map[string]int{}}
	e.doings = map[string]doing{kindRepublish: e.republish, kindWebhook: e.post, kindStore: e.storing, kindAlarm: e.raise, kindNATS: e.stream}
	list, err := o.Store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	e.known = map[string]cloud.Rule{}
	for _, r := range list {
		e.known[r.Name] = r
	}
	e.filters.Store(newFilters(list))
	return e, nil
}

// Run looks at messages and executes actions until ctx ends. What is under way then is finished, or done again when it runs next.
func (e *Engine) Run(ctx context.Context) error {
	err := e.run(ctx)
	if ctx.Err() != nil { // it was told to stop
		return nil
	}
	return err
}

func (e *Engine) run(ctx context.Context) error {
	ev, err := e.newEvaluator(ctx)
	if err != nil {
		return err
	}
	defer e.nats.close()
	defer e.client.CloseIdleConnections()
	running, stop := context.WithCancel(ctx)
	defer e.pumps.wait()
	defer stop()
	if err := e.pumps.start(running); err != nil {
		return err
	}
	return ev.run(running)
}

// Take keeps a message for the rules that want to see it: when it returns without an error, they will.
func (e *Engine) Take(ctx context.Context, item cloud.InboxItem) error {
	if !e.Wants(&item) {
		return nil
	}
	return e.o.Store.PutInbox(ctx, item)
}

// trace is a random UUID (RFC 9562, version 4).
func trace(random [16]byte) string {
	random[6], random[8] = random[6]&0x0F|0x40, random[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}
