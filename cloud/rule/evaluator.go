package rule

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/wire"
)

// evaluator looks at the inbox, in order. One goroutine.
type evaluator struct {
	e      *Engine
	after  uint64 // the last item that was looked at
	rules  map[string]*live
	order  []string // their names
	topics tree[*live]
	births births
	dec    *wire.Decoder
	under  samples         // of the block that is looked at
	step   *cloud.RuleStep // under way
	queued map[string]int  // of the step, by queue
}

// live is a rule at work.
type live struct {
	name     string
	document []byte
	*compiled
	rule    *sql.Rule
	off     bool // it sees nothing
	places  places
	counts  Counts // of the step under way
	late    uint64 // as of the last step
	touched bool   // in the step under way
	changed bool   // its document is to be stored with the step
}

const (
	page    = 512    // items that are looked at in one step
	maxStep = 20_000 // executions after which a step takes no more items
	maxDead = 1_000  // executions of a step that are listed when there are too many; the others are counted
)

// newEvaluator puts the rules where the last step left them.
func (e *Engine) newEvaluator(ctx context.Context) (*evaluator, error) {
	ev := &evaluator{e: e, rules: map[string]*live{}, births: births{e.o.Store, map[string]*birth{}}, dec: wire.NewDecoder()}
	list, err := e.o.Store.AppliedRules(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		ev.apply(r)
	}
	return ev, nil
}

func (ev *evaluator) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		items, err := ev.e.o.Store.Inbox(ctx, ev.after, page)
		if err != nil {
			return err
		}
		began := time.Now()
		ev.look(ctx, items)
		if len(items) == 0 {
			ev.tick(began)
		}
		size, err := ev.keep(ctx)
		if err != nil {
			return err
		}
		arrived, wait := ev.e.o.Store.Arrived(), ev.next(time.Now())
		if len(items) > 0 { // there may be more
			arrived, wait = nil, gather(size, time.Since(began))
		}
		if wait == 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-arrived:
		case <-timer.C:
		}
	}
}

// gather lets messages gather where writing the state of windows takes long, so that it is written less often.
func gather(size int, took time.Duration) time.Duration {
	if size < 64<<10 {
		return 0
	}
	return min(3*took, 250*time.Millisecond)
}

// next is how long nothing has to be done without a message.
func (ev *evaluator) next(now time.Time) time.Duration {
	wait := time.Hour
	for _, r := range ev.rules {
		if at, ok := r.rule.Next(); ok && !r.off {
			wait = min(wait, max(at.Sub(now), time.Millisecond))
		}
	}
	return wait
}

// tick ends windows by the clock. Only when nothing is left in the inbox: what is in it may belong into them.
func (ev *evaluator) tick(now time.Time) {
	ev.begin(0)
	for _, name := range ev.order {
		r := ev.rules[name]
		if at, ok := r.rule.Next(); !ok || r.off || at.After(now) {
			continue
		}
		r.touched = true
		o := &occasion{rule: r.name, now: now, trace: newTrace(), maxHops: ev.e.o.MaxHops}
		ev.count(r, r.rule.Tick(now, func(row sql.Row) { ev.fire(r, o, row) }))
	}
}

func (ev *evaluator) begin(upto uint64) {
	ev.step, ev.queued = &cloud.RuleStep{Upto: upto}, map[string]int{}
}

// look evaluates items.
func (ev *evaluator) look(ctx context.Context, items []cloud.InboxItem) {
	if len(items) == 0 {
		return
	}
	ev.begin(0)
	for i := range items {
		if len(ev.step.Out)+len(ev.step.Dead) > maxStep {
			return // the others are looked at next
		}
		item := &items[i]
		ev.after, ev.step.Upto = item.ID, item.ID
		switch item.Kind {
		case cloud.InboxMessage:
			ev.message(item)
		case cloud.InboxBlock:
			ev.block(ctx, item)
		case cloud.InboxChange:
			ev.change(item)
		default:
			ev.e.o.Log.Error("what rules had to look at is of no known kind: was a newer penstock-cloud running here?", "kind", int(item.Kind))
		}
	}
}

// change applies a change of a rule. Its windows go on where the SQL is the same.
func (ev *evaluator) change(item *cloud.InboxItem) {
	next := cloud.AppliedRule{Name: item.Rule, Document: item.Payload}
	if old := ev.rules[item.Rule]; old != nil && old.remembers && !old.off {
		next.State = ev.state(old)
	}
	ev.flush(item.Rule)
	ev.apply(next)
	if r := ev.rules[item.Rule]; r != nil {
		r.changed = true
		return
	}
	ev.step.Rules = append(ev.step.Rules, next)
}

// flush hands over what a rule has counted before it is replaced.
func (ev *evaluator) flush(name string) {
	if r := ev.rules[name]; r != nil {
		ev.e.tally.add(name, r.counts)
	}
}

// apply puts a rule to work, or takes it away.
func (ev *evaluator) apply(a cloud.AppliedRule) {
	delete(ev.rules, a.Name)
	if r := ev.newLive(a); r != nil {
		ev.rules[a.Name] = r
	} else {
		ev.e.tally.forget(a.Name)
	}
	ev.topics, ev.order = tree[*live]{}, nil
	for name, r := range ev.rules {
		ev.order = append(ev.order, name)
		if from := r.statement.From(); from != "" && !r.off {
			ev.topics.add(from, r)
		}
	}
	slices.Sort(ev.order)
}

func (ev *evaluator) newLive(a cloud.AppliedRule) *live {
	if len(a.Document) == 0 {
		return nil
	}
	d, err := parseDocument(a.Document)
	var c *compiled
	if err == nil {
		c, err = ev.e.compile(d)
	}
	if err != nil {
		ev.e.o.Log.Error("a rule cannot work: change or delete it", "rule", a.Name, "err", err)
		return nil
	}
	r := &live{name: a.Name, document: a.Document, compiled: c, off: d.Disabled}
	r.rule = sql.New(c.statement, sql.Options{Functions: ev.e.o.Functions, Account: ev.e.o.Account, Late: ev.e.o.Late, MaxGroups: maxGroups, MaxEvents: maxEvents})
	if c.remembers && !r.off && len(a.State) > 0 {
		if err := r.rule.UnmarshalBinary(a.State); err != nil {
			ev.e.o.Log.Info("a rule's windows begin anew", "rule", a.Name, "err", err)
		}
		r.late = r.rule.Stats().Late
	}
	return r
}

// state is what a rule remembers.
func (ev *evaluator) state(r *live) []byte {
	if !r.remembers || r.off {
		return nil
	}
	state, err := r.rule.MarshalBinary()
	if err != nil {
		ev.e.o.Log.Error("a rule's windows cannot be kept over a restart", "rule", r.name, "err", err)
	}
	return state
}

// keep stores the step. The rules have moved on, so it is tried until it succeeds. size is how much state was written.
func (ev *evaluator) keep(ctx context.Context) (size int, err error) {
	step := ev.step
	if ev.step = nil; step == nil {
		return 0, nil
	}
	for _, name := range ev.order {
		r := ev.rules[name]
		if r.changed || r.touched && r.remembers {
			state := ev.state(r)
			size += len(state)
			step.Rules = append(step.Rules, cloud.AppliedRule{Name: name, Document: r.document, State: state})
		}
		if r.touched {
			r.settleCounts(ev.e)
		}
		r.touched, r.changed = false, false
	}
	if step.Upto == 0 && len(step.Rules)+len(step.Out)+len(step.Dead) == 0 {
		return 0, nil
	}
	if err := ev.store(ctx, step); err != nil {
		return 0, err
	}
	ev.e.pumps.put(step.Out)
	return size, nil
}

func (ev *evaluator) store(ctx context.Context, step *cloud.RuleStep) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := ev.e.o.Store.Step(ctx, step)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		ev.e.o.Log.Error("rules wait: what they say cannot be stored", "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// count tells an evaluation's error apart.
func (ev *evaluator) count(r *live, err error) {
	if err != nil {
		r.counts.failed(err)
		ev.e.o.Log.Debug("a rule could not be evaluated", "rule", r.name, "err", err)
	}
}

func (r *live) settleCounts(e *Engine) {
	late := r.rule.Stats().Late
	r.counts.Late += late - r.late
	e.tally.add(r.name, r.counts)
	r.counts, r.late = Counts{}, late
}

// full refuses what would make a queue too long: what is done is too slow, or what is asked for too much.
func (ev *evaluator) full(queue string) error {
	if n := ev.e.pumps.length(queue) + ev.queued[queue]; n >= ev.e.o.MaxWaiting {
		return fmt.Errorf("%d executions of this action wait: %w", n, errFull)
	}
	return nil
}
