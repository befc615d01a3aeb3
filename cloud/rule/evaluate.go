package rule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// message has the rules that want to see a message look at it.
func (ev *evaluator) message(item *cloud.InboxItem) {
	in := sql.Message{Topic: item.Topic, Payload: item.Payload, ClientID: item.ClientID, Principal: item.Principal, TraceID: item.Trace,
		Properties: item.Properties, User: item.User}
	var found []*live
	if item.Rule != "" {
		found = ev.named(item, &in)
	} else {
		ev.topics.match(item.Topic, func(r *live) { found = append(found, r) })
	}
	if len(found) > 1 { // read once for all
		if body, err := sql.ParseJSON(item.Payload); err == nil {
			in.Body = &body
		}
	}
	for _, r := range found {
		r.touched = true
		r.counts.TopicMatch++
		o := &occasion{rule: r.name, now: item.Received, message: in, thing: thingOf(topicOf(item)), trace: item.Trace, hops: item.Hops, maxHops: ev.e.o.MaxHops}
		ev.count(r, r.rule.Eval(item.Received, in, func(row sql.Row) { ev.fire(r, o, row) }))
	}
}

// named is the rule to which a message was sent by name. One with FROM takes the message if FROM takes what is behind the name.
func (ev *evaluator) named(item *cloud.InboxItem, in *sql.Message) []*live {
	r := ev.rules[item.Rule]
	if r == nil || r.off {
		ev.e.tally.missing.Add(1)
		return nil
	}
	if r.statement.From() != "" {
		in.Topic = topicOf(item)
	}
	return []*live{r}
}

// topicOf is a message's topic, without the name of the rule that it was sent to.
func topicOf(item *cloud.InboxItem) string {
	return strings.TrimPrefix(item.Topic, basicIngest+item.Rule+"/")
}

func (c *Counts) failed(err error) {
	if errors.Is(err, sql.ErrPayload) {
		c.ParseError++
		return
	}
	c.EvaluationError++
}

// block has rules look at the samples of a block, in order of time.
func (ev *evaluator) block(ctx context.Context, item *cloud.InboxItem) {
	b := &ev.under
	if err := b.read(ev.dec, item.Payload); err != nil {
		ev.e.o.Log.Error("a block that rules had to look at is damaged: is the disk failing?", "thing", item.Thing, "err", err)
		return
	}
	units, changed := ev.births.units(ctx, item.Thing, item.Received)
	for _, name := range ev.order {
		r := ev.rules[name]
		if r.off || r.statement.From() == "" {
			continue
		}
		if changed {
			r.places.forget(item.Thing)
		}
		if places := r.places.find(r.rule, item.Thing, b.names, func(point string) string { return units[point] }); places != nil {
			ev.samples(r, item, b, places)
		}
	}
}

func (ev *evaluator) samples(r *live, item *cloud.InboxItem, b *samples, places []int) {
	r.touched = true
	var now int // the sample that is looked at
	var o *occasion
	emit := func(row sql.Row) {
		if o == nil {
			o = ev.sampled(r, item, b.list[now], places, now)
		}
		ev.fire(r, o, row)
	}
	for _, t := range b.order {
		s := b.list[t.place]
		place := places[s.Point]
		if place < 0 {
			continue
		}
		now, o, s.Point = int(t.place), nil, telemetry.PointID(place)
		r.counts.TopicMatch++
		if err := r.rule.Sample(item.Received, s, emit); err != nil {
			ev.count(r, err)
		}
	}
}

// sampled is the occasion of a sample's row. What templates see is the sample as a message.
func (ev *evaluator) sampled(r *live, item *cloud.InboxItem, s telemetry.Sample, places []int, at int) *occasion {
	p := r.places.points[places[s.Point]]
	trace := item.Trace + "." + strconv.Itoa(at)
	o := &occasion{rule: r.name, now: item.Received, thing: item.Thing, trace: trace, hops: item.Hops, maxHops: ev.e.o.MaxHops,
		message: sql.Message{Topic: p.Topic, Principal: item.Thing, TraceID: trace}}
	body := map[string]any{"time": s.Time / 1e6, "quality": s.Quality.Severity()}
	if !s.Quality.IsBad() && !s.Value.IsNone() {
		body["value"] = s.Value
	}
	if p.Unit != "" {
		body["unit"] = p.Unit
	}
	o.message.Payload, _ = json.Marshal(body) // numbers and texts always are JSON
	return o
}

// fire has the actions of a rule done with a row.
func (ev *evaluator) fire(r *live, o *occasion, row sql.Row) {
	r.counts.RulesExecuted++
	var err error
	if o.row, err = row.Payload(); err != nil {
		ev.count(r, err)
		return
	}
	o.at, o.rows = row.Time(), o.rows+1
	if r.windows {
		o.message, o.thing = sql.Message{Payload: o.row, TraceID: o.trace}, ""
	}
	var failures []cloud.ActionFailure
	first := len(ev.step.Out)
	for i, a := range r.actions {
		item, err := prepare(a, o, i)
		if err == nil {
			err = ev.full(item.Queue)
		}
		if err == nil {
			ev.step.Out = append(ev.step.Out, item)
			ev.queued[item.Queue]++
			continue
		}
		item.Error = err.Error()
		if len(ev.step.Dead) < maxDead || !errors.Is(err, errFull) {
			ev.step.Dead = append(ev.step.Dead, item)
		}
		failures = append(failures, cloud.ActionFailure{Action: a.kind(), Resource: a.resource(), Message: item.Error})
		r.counts.unable(err, item)
	}
	if r.errorAction != nil {
		ev.watch(r, o, first, failures)
	}
}

var errFull = errors.New("it is too slow, or too much is asked of it")

// unable counts an execution that was not even tried.
func (c *Counts) unable(err error, item cloud.OutboxItem) {
	if errors.Is(err, errHops) || errors.Is(err, errFull) {
		c.RuleMessageThrottled++
	}
	c.settled(item.Kind, item.Action, true)
}

// watch has the error action told of what fails of the items from first on, or at once when there are none.
func (ev *evaluator) watch(r *live, o *occasion, first int, failures []cloud.ActionFailure) {
	items := ev.step.Out[first:]
	if len(items)+len(failures) == 0 {
		return
	}
	w := warning{Notice: notice{Rule: r.name, Topic: o.message.Topic, Trace: o.trace, Client: o.message.ClientID, Payload: o.message.Payload}}
	var err error
	if w.Item, err = prepare(r.errorAction, o, -1); err == nil {
		err = ev.full(w.Item.Queue)
	}
	if err != nil {
		r.counts.unable(err, w.Item)
		ev.e.o.Log.Debug("an error action could not be done", "rule", r.name, "err", err)
		return
	}
	data, err := json.Marshal(&w)
	if err != nil {
		panic(fmt.Sprintf("BUG: a warning is no JSON: %v", err))
	}
	event := cloud.RuleEvent{Open: len(items), Data: data, Failures: failures}
	if len(items) == 0 {
		if item := failed(event); item != nil {
			ev.step.Out = append(ev.step.Out, *item)
			ev.queued[item.Queue]++
		}
		return
	}
	ev.step.Events = append(ev.step.Events, event)
	for i := range items {
		items[i].Event = uint64(len(ev.step.Events))
	}
}

// warning is what an event keeps for the error action.
type warning struct {
	Item   cloud.OutboxItem `json:"item"`
	Notice notice           `json:"notice"`
}

// notice is what an error action gets, as AWS IoT writes it.
type notice struct {
	Rule     string                `json:"ruleName"`
	Topic    string                `json:"topic"`
	Trace    string                `json:"cloudwatchTraceId"`
	Client   string                `json:"clientId"`
	Payload  []byte                `json:"base64OriginalPayload"`
	Failures []cloud.ActionFailure `json:"failures"`
}

// failed makes the item of an error action.
func failed(ev cloud.RuleEvent) *cloud.OutboxItem {
	var w warning
	if json.Unmarshal(ev.Data, &w) != nil {
		return nil // the store is damaged; nothing is left to tell
	}
	w.Notice.Failures = ev.Failures
	item := w.Item
	item.Queue = item.Rule + "/error"
	item.Payload, _ = json.Marshal(&w.Notice) // it was JSON
	return &item
}
