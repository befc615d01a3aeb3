package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/outlet"
	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plain has a target speak to a broker of anybody's. PUBACK is all the acknowledgement there is, and nothing is received.
func (t *target) plain(g *Gateway, c config.Target, o *session.Options, alarms, blocks *lane) {
	b := c.Broker
	out := &outlet.Outlet{Gateway: t.gateway, Site: g.cfg.Gateway.Site, Topic: b.Topic, Block: b.Block, Unit: units(g.cfg)}
	if b.AWS {
		out.Limits = outlet.AWS
	}
	t.losses, t.mostLosses = b.Losses.Of(t.gateway, g.cfg.Gateway.Site, "", ""), 500 // below 128 kB
	t.pace = paced(out.Limits)
	alarms.message = alarms.whole(b.Alarms.Of(t.gateway, g.cfg.Gateway.Site, "", ""), wire.ContentJSON)
	blocks.message = func(u uplink.Block) ([]session.Message, error) { return t.parts(out, u) }
	o.ClientID = b.ClientID
	if strings.HasPrefix(c.URL, "mqtts:") {
		o.TLS = func() (*tls.Config, error) {
			return identity.BrokerTLS(identity.Files{Key: c.Identity.KeyFile, Cert: c.Identity.Cert, CA: c.Identity.CA}, t.clock.Now)
		}
	}
	if b.User != "" {
		o.Login = func() (string, []byte, error) { return login(b) }
	}
}

// parts are the messages of a block, within what the broker has said that it takes.
func (t *target) parts(out *outlet.Outlet, b uplink.Block) ([]session.Message, error) {
	list, err := out.Messages(b.Data, outlet.Place{Epoch: t.queue.Epoch(), Seq: b.Seq}, t.session.Limit())
	if err != nil {
		return nil, err
	}
	messages := make([]session.Message, len(list))
	for i, m := range list {
		messages[i] = session.Message{Topic: m.Topic, ContentType: m.ContentType, Payload: m.Payload, User: []session.Property{
			{Key: wire.PropEpoch, Value: t.queue.Epoch()},
			{Key: wire.PropSeq, Value: strconv.FormatUint(b.Seq, 10)},
			{Key: wire.PropSamples, Value: strconv.Itoa(m.Samples)},
		}}
	}
	return messages, nil
}

// paced waits for the pace of a connection's limits.
func paced(l outlet.Limits) func(context.Context, int) error {
	bytes, messages := l.Pace()
	if bytes == nil && messages == nil {
		return nil
	}
	return func(ctx context.Context, n int) error {
		return errors.Join(messages.Wait(ctx), bytes.WaitN(ctx, min(n, bytes.Burst())))
	}
}

// units finds a point's unit by its full name.
func units(cfg *config.Config) func(string) string {
	of := map[string]string{}
	for i := range cfg.Points {
		if u := cfg.Points[i].Unit; u != "" {
			of[cfg.Points[i].FullName()] = u
		}
	}
	return func(point string) string { return of[point] }
}

func login(b *config.Broker) (user string, password []byte, err error) {
	if b.PasswordFile == "" {
		return b.User, []byte(b.Password), nil
	}
	raw, err := os.ReadFile(b.PasswordFile)
	if err != nil {
		return "", nil, fmt.Errorf("password_file: %w", err)
	}
	return b.User, []byte(strings.TrimRight(string(raw), "\r\n")), nil
}
