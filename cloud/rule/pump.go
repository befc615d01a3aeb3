package rule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const (
	haul     = 256         // items that are read at once
	lanes    = 8           // of a queue, executed at the same time
	haulTime = time.Second // after this the items done so far are settled
	maxPause = time.Minute // between two tries
)

// pumps execute what waits in the outbox, a goroutine for each queue that has something.
type pumps struct {
	e    *Engine
	ctx  context.Context
	done sync.WaitGroup

	mu      sync.Mutex
	of      map[string]*pump
	waiting map[string]int // items of each queue
}

// pump executes the items of one queue.
type pump struct {
	e     *Engine
	queue string
	more  chan struct{} // has something in it when items were added
}

// start begins with what a former run has left.
func (p *pumps) start(ctx context.Context) error {
	queues, err := p.e.o.Store.Queues(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.ctx, p.waiting = ctx, queues
	p.mu.Unlock()
	for queue := range queues {
		p.wake(queue, 0)
	}
	return nil
}

func (p *pumps) wait() { p.done.Wait() }

// put has items executed that were stored.
func (p *pumps) put(items []cloud.OutboxItem) {
	counts := map[string]int{}
	for i := range items {
		counts[items[i].Queue]++
	}
	for queue, n := range counts {
		p.wake(queue, n)
	}
}

func (p *pumps) wake(queue string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(queue, n)
	if p.ctx == nil || p.ctx.Err() != nil { // the next run executes them
		return
	}
	if at := p.of[queue]; at != nil {
		select {
		case at.more <- struct{}{}:
		default:
		}
		return
	}
	at := &pump{e: p.e, queue: queue, more: make(chan struct{}, 1)}
	p.of[queue] = at
	p.done.Go(func() { at.run(p.ctx) })
}

func (p *pumps) length(queue string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting[queue]
}

// over counts items that left a queue.
func (p *pumps) over(queue string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(queue, -n)
}

// count may see items leave before it sees them come: a pump that runs already is quick.
func (p *pumps) count(queue string, n int) {
	if p.waiting[queue] += n; p.waiting[queue] == 0 {
		delete(p.waiting, queue)
	}
}

// leave ends a pump that found nothing, unless something has come meanwhile.
func (p *pumps) leave(at *pump) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-at.more:
		return false
	default:
		delete(p.of, at.queue)
		return true
	}
}

func (p *pump) run(ctx context.Context) {
	for ctx.Err() == nil {
		items, err := p.e.o.Store.Outbox(ctx, p.queue, haul)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.e.o.Log.Error("actions wait: what they have to do cannot be read", "queue", p.queue, "err", err)
			p.pause(ctx, 10*time.Second)
			continue
		case len(items) == 0:
			if p.e.pumps.leave(p) {
				return
			}
			continue
		}
		due, next := sortOut(items, time.Now())
		if len(due) == 0 {
			p.pause(ctx, time.Until(next))
			continue
		}
		p.settle(ctx, p.execute(ctx, due))
	}
}

// pause waits for a time, or until something comes.
func (p *pump) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(max(d, time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-p.more:
	case <-timer.C:
	}
}

// sortOut puts items into their lanes, as many as are due in front of each. next is when the first of the others is.
func sortOut(items []cloud.OutboxItem, now time.Time) (due map[string][]cloud.OutboxItem, next time.Time) {
	due = map[string][]cloud.OutboxItem{}
	blocked := map[string]bool{}
	for _, item := range items {
		switch {
		case blocked[item.Lane]:
		case item.Due.After(now):
			blocked[item.Lane] = true
			if next.IsZero() || item.Due.Before(next) {
				next = item.Due
			}
		default:
			due[item.Lane] = append(due[item.Lane], item)
		}
	}
	return due, next
}

// execute does what is due, lanes beside each other, and gives what came of it. A lane ends with the first item that has to be tried again.
func (p *pump) execute(ctx context.Context, due map[string][]cloud.OutboxItem) (list []cloud.Settlement) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(lanes)
	began := time.Now()
	for _, items := range due {
		group.Go(func() error {
			for _, item := range items {
				if time.Since(began) > haulTime || ctx.Err() != nil {
					return nil
				}
				st, ok := p.one(ctx, item)
				if !ok {
					return nil
				}
				mu.Lock()
				list = append(list, st)
				mu.Unlock()
				if !st.Later.IsZero() {
					return nil
				}
			}
			return nil
		})
	}
	_ = group.Wait() // nobody gave an error
	return list
}

// one executes an item. ok is false when that was cut off by the end of the program: it is executed again.
func (p *pump) one(ctx context.Context, item cloud.OutboxItem) (st cloud.Settlement, ok bool) {
	do := p.e.doings[item.Kind]
	if do == nil {
		do = func(context.Context, *cloud.OutboxItem) (cloud.Settlement, error) {
			return cloud.Settlement{}, refuse("there is no action %q here: was a newer penstock-cloud running?", item.Kind)
		}
	}
	st, err := do(ctx, &item)
	if err != nil && ctx.Err() != nil {
		return st, false
	}
	st.Item = item
	st.Item.Tries++
	if err == nil {
		return st, true
	}
	st = cloud.Settlement{Item: st.Item}
	st.Item.Error = clip(err.Error())
	if p.e.final(&st.Item, err) {
		st.Failure = failure(&st.Item)
	} else {
		st.Later = time.Now().Add(p.e.pauseOf(&st.Item))
	}
	return st, true
}

const maxError = 500

func clip(text string) string { return text[:min(len(text), maxError)] }

func failure(item *cloud.OutboxItem) *cloud.ActionFailure {
	return &cloud.ActionFailure{Action: item.Kind, Resource: resourceOf(item), Message: item.Error}
}

// resourceOf is what an execution is done to, with its templates filled in.
func resourceOf(item *cloud.OutboxItem) string {
	var call struct{ URL, Topic, Subject, Name, Thing string }
	_ = json.Unmarshal(item.Call, &call) // what cannot be read names nothing
	return cmp.Or(call.URL, call.Topic, call.Subject, call.Name, call.Thing)
}

// final reports whether an item is given up.
func (e *Engine) final(item *cloud.OutboxItem, err error) bool {
	var never refusal
	switch {
	case errors.As(err, &never), errors.Is(err, cloud.ErrInvalid), errors.Is(err, cloud.ErrNotFound), errors.Is(err, cloud.ErrConflict):
		return true
	case item.Kind == kindWebhook:
		return item.Tries >= maxTries
	}
	return time.Since(item.Created) > e.o.Patience
}

// pauseOf is how long an item is left alone before it is tried again.
func (e *Engine) pauseOf(item *cloud.OutboxItem) time.Duration {
	return min(e.o.Backoff<<min(2*(item.Tries-1), 20), maxPause)
}

// settle stores what came of items, whatever has ended meanwhile: what was done must not be done again for want of a note. It is tried until it succeeds;
// when the program ends before, the items are executed again.
func (p *pump) settle(ctx context.Context, list []cloud.Settlement) {
	if len(list) == 0 {
		return
	}
	for {
		made, err := p.e.o.Store.Settle(context.WithoutCancel(ctx), list, failed)
		switch {
		case err == nil:
			p.settled(list, made)
			return
		case impossible(err) && len(list) > 1: // find out which
			for i := range list {
				p.settle(ctx, list[i:i+1])
			}
			return
		case impossible(err) && list[0].Batch != nil:
			list[0].Item.Error = clip(fmt.Sprintf("store samples of %s: %v", list[0].Batch.Thing, err))
			list[0].Batch = nil
			list[0].Failure = failure(&list[0].Item)
			continue
		case ctx.Err() != nil:
			return
		}
		p.e.o.Log.Error("actions wait: what they have done cannot be stored", "queue", p.queue, "err", err)
		p.pause(ctx, time.Second)
	}
}

func impossible(err error) bool {
	return errors.Is(err, cloud.ErrNotFound) || errors.Is(err, cloud.ErrInvalid)
}

// settled counts, and tells others.
func (p *pump) settled(list []cloud.Settlement, made []cloud.OutboxItem) {
	over := 0
	counts := map[string]*Counts{}
	for i := range list {
		st := &list[i]
		c := counts[st.Item.Rule]
		if c == nil {
			c = &Counts{}
			counts[st.Item.Rule] = c
		}
		if !st.Later.IsZero() {
			c.Retries++
			continue
		}
		over++
		c.settled(st.Item.Kind, st.Item.Action, st.Failure != nil)
		if st.Failure != nil {
			p.e.o.Log.Warn("a rule's action failed", "rule", st.Item.Rule, "action", st.Item.Kind, "key", st.Item.Key, "tries", st.Item.Tries, "err", st.Item.Error)
		}
		if st.Batch != nil {
			p.e.tellStored(st.Batch)
		}
	}
	for rule, c := range counts {
		p.e.tally.add(rule, *c)
	}
	p.e.pumps.over(p.queue, over)
	p.e.pumps.put(made)
}

// tellStored tells those who watch of samples that a rule has made.
func (e *Engine) tellStored(b *cloud.Batch) {
	live := cloud.Live{Thing: b.Thing, Count: b.Samples}
	p := e.pickers.Get().(*picker)
	defer e.pickers.Put(p)
	err := p.dec.Decode(b.Block, func(name string, s telemetry.Sample) bool {
		live.Samples = append(live.Samples, cloud.LiveSample{Point: name, Sample: s})
		return true
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: a block that was made a moment ago cannot be read: %v", err))
	}
	e.o.Tell(live)
}
