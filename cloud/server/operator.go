package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/shadow"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// Operator does what people ask for on the pages.
type Operator struct{ s *server }

// Acknowledge says that somebody knows of an alarm.
func (o Operator) Acknowledge(ctx context.Context, thing, alarm, who, comment, from string) error {
	_, err := o.s.alarms.Acknowledge(ctx, thing, alarm, isa.Who{Name: who, Comment: comment}, from)
	return err
}

// Desire sets what a thing's classic shadow desires under a key.
func (o Operator) Desire(ctx context.Context, thing, key string, value json.RawMessage, who, from string) error {
	payload, err := json.Marshal(map[string]any{"state": map[string]any{"desired": map[string]json.RawMessage{key: value}}})
	if err != nil {
		return fmt.Errorf("%w: %w", cloud.ErrInvalid, err)
	}
	_, err = o.call(ctx, doc.Call{ID: doc.ID{Thing: thing}, Op: doc.OpUpdate, Payload: payload}, who, from)
	return err
}

// Shadow is what is desired of a thing and what it reports; nil when it has no shadow.
func (o Operator) Shadow(ctx context.Context, thing string) (desired, reported map[string]any, err error) {
	payload, err := o.call(ctx, doc.Call{ID: doc.ID{Thing: thing}, Op: doc.OpGet}, "penstock", "")
	if errors.Is(err, cloud.ErrNotFound) {
		return nil, nil, nil
	}
	var d struct {
		State struct{ Desired, Reported map[string]any }
	}
	if err == nil {
		err = json.Unmarshal(payload, &d)
	}
	return d.State.Desired, d.State.Reported, err
}

func (o Operator) call(ctx context.Context, c doc.Call, who, from string) ([]byte, error) {
	reply := o.s.shadows.Call(ctx, shadow.Caller{Person: who, From: from, Connection: "pages"}, c)
	switch e := reply.Refused; {
	case e == nil:
		return reply.Payload, nil
	case e.Code == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %w", cloud.ErrNotFound, e)
	case e.Code < http.StatusInternalServerError:
		return nil, fmt.Errorf("%w: %w", cloud.ErrInvalid, e)
	default:
		return nil, e
	}
}

// commandPatience is how long a page waits for what comes of a command.
const commandPatience = 3 * time.Second

// Command asks a gateway to write, and waits a moment for what comes of it.
func (o Operator) Command(ctx context.Context, gateway, point string, value json.RawMessage, who, from string) (execution string, err error) {
	c, err := o.s.commands.Create(ctx, cloud.CommandAsk{Gateway: gateway, Point: point, Value: value, Who: who, From: from, TTL: time.Minute})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	_, err = o.s.commands.Wait(ctx, c.Execution)
	return c.Execution, err
}
