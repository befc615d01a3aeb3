package gateway

import (
	"context"
	"net/http"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/shadow"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/wire"
)

// newShadows joins the gateway's shadows to the desk and, where there is one, the cloud.
func (g *Gateway) newShadows() (*shadow.Mirror, error) {
	o := shadow.Options{Gateway: g.cfg.Gateway.ID, Write: g.fulfil, Log: g.log}
	if g.cfg.Lead != "" {
		o.Publish = func(ctx context.Context, topic string, payload []byte) error {
			return g.lead.session.Publish(ctx, session.Message{Topic: topic, ContentType: wire.ContentJSON, Payload: payload})
		}
	}
	return shadow.New(g.cfg, g.state, o)
}

// Shadows is the local shadow service.
func (g *Gateway) Shadows() http.Handler { return g.shadows.Handler() }

// fulfil writes what a shadow desires, the way of all writes.
func (g *Gateway) fulfil(ctx context.Context, o shadow.Order) shadow.Result {
	r := g.desk.Do(ctx, command.Order{
		Point: g.cfg.Points[o.Point].FullName(), Value: o.Value, Who: "shadow:" + o.Thing, From: "shadow", Channel: command.Shadow, Key: o.Key,
	})
	return shadow.Result{
		Done: r.State == command.Done, Value: r.Sample.Value, Retry: passing(r), Repeated: r.Repeated, Code: string(r.Code), Reason: r.Reason,
	}
}

// passing tells whether an order that was not done may be later, without anybody changing anything.
func passing(r command.Result) bool {
	switch r.Code {
	case command.TooSoon, command.Busy, command.Cancelled, command.Stopping, command.NoStore, command.WriteFailed, command.Uncertain, command.NoReading,
		command.OnItsWay:
		return true
	}
	return false
}
