package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// How long after a command's time an answer is waited for that is on its way, or whose write had begun.
const (
	graceAnswer = 5 * time.Second
	graceWrite  = time.Minute
)

// expireEvery is how often commands are looked for whose time is over.
const expireEvery = time.Second

// Response takes a gateway's answer. nil means that it is stored for good, or changes nothing. wire.ErrCommand: it is none; cloud.ErrNotFound: the
// gateway was never asked for this. Sending either again will not help.
func (r *Room) Response(ctx context.Context, gateway, execution string, payload []byte) error {
	res, err := wire.ParseCommandResponse(payload)
	if err != nil {
		return err
	}
	return r.answer(ctx, cloud.CommandAnswer{Gateway: gateway, Execution: execution, Response: res, Time: r.now()}, gateway)
}

func (r *Room) answer(ctx context.Context, a cloud.CommandAnswer, who string) error {
	c, changed, err := r.o.Store.AnswerCommand(ctx, a, func(c cloud.Command) []audit.Entry { return lines(c, a, who) })
	if changed {
		r.changed(c)
	}
	return err
}

// lines are what the audit log has of a change: the last word of each command, and a last word that came late.
func lines(c cloud.Command, a cloud.CommandAnswer, who string) []audit.Entry {
	if !a.Response.Status.Final() {
		return nil
	}
	e := audit.Entry{Time: a.Time, Who: who, Action: "point.write", Object: c.Gateway + "/" + c.Point, Outcome: outcome(a.Response.Status), Trace: c.Execution,
		Details: map[string]string{"status": string(a.Response.Status), "value": string(c.Value)}}
	if why := a.Response.Reason; why != nil {
		e.Reason, e.Details["code"] = why.Description, why.Code
	}
	if value, ok := a.Response.Result["value"]; ok {
		e.Details["reads"] = string(value)
	}
	if c.Late != nil {
		e.Details["late"] = "the command counted as " + string(c.Status) + " already"
	}
	return []audit.Entry{e}
}

func outcome(s wire.CommandStatus) audit.Outcome {
	switch s {
	case wire.CommandSucceeded:
		return audit.Done
	case wire.CommandRejected:
		return audit.Refused
	}
	return audit.Failed
}

// Wait gives a command once its status is final, or as it is when ctx ends.
func (r *Room) Wait(ctx context.Context, execution string) (cloud.Command, error) {
	done := make(chan struct{})
	r.mu.Lock()
	r.waiting[execution] = append(r.waiting[execution], done)
	r.mu.Unlock()
	defer r.leave(execution, done)
	c, err := r.o.Store.Command(context.WithoutCancel(ctx), execution)
	if err != nil || c.Status.Final() {
		return c, err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return r.o.Store.Command(context.WithoutCancel(ctx), execution)
}

func (r *Room) leave(execution string, done chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := slices.DeleteFunc(r.waiting[execution], func(c chan struct{}) bool { return c == done })
	if r.waiting[execution] = left; len(left) == 0 {
		delete(r.waiting, execution)
	}
}

// Run asks gateways again for what they have not answered and ends commands whose time is over, until ctx ends.
func (r *Room) Run(ctx context.Context) error {
	reminded := make(chan struct{})
	go func() {
		defer close(reminded)
		_ = r.reminder.Run(ctx, r.tell) // it ends without an error
	}()
	defer func() { <-reminded }()
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		if err := r.expire(ctx, r.now()); err != nil && ctx.Err() == nil {
			r.o.Log.Warn("commands whose time is over stay open for now", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tell asks a gateway again for everything it has not answered, the oldest first, and says whether there was something.
func (r *Room) tell(ctx context.Context, gateway string) (more bool) {
	open, err := r.o.Store.Commands(ctx, cloud.CommandQuery{Gateway: gateway, Open: true, Max: MaxOpen})
	for _, c := range slices.Backward(open) {
		if r.now().Before(c.Expires) {
			err = errors.Join(err, r.publish(ctx, c))
		}
	}
	if err != nil && ctx.Err() == nil {
		r.o.Log.Warn("a gateway is asked again later", "gateway", gateway, "err", err)
	}
	return err != nil || len(open) > 0
}

// expire ends commands whose time is over, page by page.
func (r *Room) expire(ctx context.Context, now time.Time) error {
	q := cloud.CommandQuery{Open: true, Overdue: now.Add(-graceAnswer), Max: MaxOpen}
	for {
		late, err := r.o.Store.Commands(ctx, q)
		if err != nil || len(late) == 0 {
			return err
		}
		for _, c := range late {
			if c.Status == wire.CommandInProgress && now.Before(c.Expires.Add(graceWrite)) {
				continue
			}
			if err := r.timeOut(ctx, c, now); err != nil {
				return err
			}
		}
		q.Before = late[len(late)-1].Execution
	}
}

func (r *Room) timeOut(ctx context.Context, c cloud.Command, now time.Time) error {
	why := &wire.CommandReason{Code: "EXPIRED", Description: fmt.Sprintf("%s did not answer until %s: it was not connected, or lost its connection; nothing is written after that time",
		c.Gateway, c.Expires.Format(time.RFC3339))}
	if c.Status == wire.CommandInProgress {
		why = &wire.CommandReason{Code: "NO_ANSWER", Description: c.Gateway + " began and did not say what came of it: read the point"}
	}
	return r.answer(ctx, cloud.CommandAnswer{Gateway: c.Gateway, Execution: c.Execution, Time: now,
		Response: wire.CommandResponse{Status: wire.CommandTimedOut, Reason: why}}, "penstock")
}
