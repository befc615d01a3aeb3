package command

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Answer is what the cloud is to be told of an execution.
type Answer struct {
	Execution string // names the answer to Answered; empty: this one is not the last
	Topic     string
	Payload   []byte
}

// inProgress is how long an order may take before the cloud is told that it is on its way.
const inProgress = time.Second

// Receive carries out a command that came on a topic and says the answer, after a second first that it is in progress. The last answer is kept
// until Answered. An error means that there is no answer: the message was none, or nothing came of it yet; what is asked of the cloud
// then is to send it again.
func (d *Desk) Receive(ctx context.Context, topic string, payload []byte, say func(Answer)) error {
	thing, execution, response, ok := wire.ParseCommandTopic(topic)
	if !ok || response {
		return fmt.Errorf("%q is no topic on which commands come", clip(topic))
	}
	o := Order{Channel: Command, Key: execution, From: "cloud", Who: "cloud", answer: wire.CommandResponseTopic(thing, execution)}
	err := o.read(payload)
	late := time.NewTimer(inProgress)
	defer late.Stop()
	done := make(chan Result, 1)
	go func() {
		if err != nil {
			done <- d.reject(o, err)
			return
		}
		done <- d.Do(ctx, o)
	}()
	for {
		select {
		case <-late.C:
			say(Answer{Topic: o.answer, Payload: respond(Result{State: Waiting})})
		case r := <-done:
			if !r.kept() || r.Unsaved {
				return fmt.Errorf("no answer to the command %s yet: %s %s", execution, r.State, r.Reason)
			}
			say(Answer{Execution: execution, Topic: o.answer, Payload: respond(r)})
			return nil
		}
	}
}

// read takes the order from a request.
func (o *Order) read(payload []byte) error {
	req, err := wire.ParseCommandRequest(payload)
	if err != nil {
		return refuse(BadRequest, "%v", err)
	}
	var v telemetry.Value
	if err := v.UnmarshalJSON(req.Value); err != nil || v.IsNone() {
		return refuse(BadRequest, "the value is %s: write a number, true, false or a text", clip(string(req.Value)))
	}
	o.Point, o.Value, o.Issued, o.Expires = req.Point, v, req.Issued, req.Expires
	if req.Who != "" {
		o.Who = req.Who
	}
	return nil
}

// reject refuses an order that could not be read, under its key.
func (d *Desk) reject(o Order, err error) Result {
	if err := d.enter(); err != nil {
		return err.result()
	}
	defer d.leave()
	f, first := d.fly(o)
	if !first {
		return d.turnAway(o, another(o))
	}
	r, known := d.known(o)
	if !known {
		r = d.settle(recordOf(o, true), asRefusal(err).result())
	}
	d.land(o.id(), f, r)
	return r
}

// respond is a result as the cloud is told it.
func respond(r Result) []byte {
	res := wire.CommandResponse{Status: map[State]wire.CommandStatus{
		Done: wire.CommandSucceeded, Refused: wire.CommandRejected, Failed: wire.CommandFailed, Waiting: wire.CommandInProgress,
	}[r.State]}
	if r.Code != "" {
		res.Reason = &wire.CommandReason{Code: string(r.Code), Description: cut(r.Reason)}
	}
	if s := r.Sample; s.Time != 0 {
		value, _ := json.Marshal(s.Value)
		at, _ := json.Marshal(time.Unix(0, s.Time).UTC())
		quality, _ := json.Marshal(s.Quality.String())
		res.Result = map[string]json.RawMessage{"value": value, "time": at, "quality": quality}
	}
	b, err := json.Marshal(res)
	if err != nil {
		panic("BUG: an answer to a command is not JSON: " + err.Error())
	}
	return b
}
