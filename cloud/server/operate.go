package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/alarm"
	"github.com/penstock-edge/penstock/cloud/broker"
	"github.com/penstock-edge/penstock/cloud/command"
	"github.com/penstock-edge/penstock/cloud/ledger"
	"github.com/penstock-edge/penstock/cloud/look"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// newOperations are the rooms that ask gateways for something and ask again until they have answered.
func (s *server) newOperations() {
	s.alarms = alarm.New(alarm.Options{Store: s.store, Publish: s.publish, Tell: s.ingest.Tell, Log: s.log})
	s.ledgers = ledger.New(ledger.Options{Store: s.store, Raise: s.gap, Log: s.log})
	s.look = look.New(look.Options{Publish: s.publish, Log: s.log})
	s.commands = command.New(command.Options{Store: s.store, Publish: s.publish, Tell: s.ingest.Tell, Log: s.log})
}

// gap has the alarm of a gateway tell whether blocks of it are missing without a word.
func (s *server) gap(ctx context.Context, gateway string, on bool, text string, at time.Time) error {
	return s.alarms.Follow(ctx, alarm.Condition{On: on, Raise: alarm.Raise{Thing: gateway, Name: cloud.GapAlarm, Severity: isa.High, Text: text, Time: at}})
}

// came tells whoever waits for a thing that its connection began or ended.
func (s *server) came(p broker.Presence) {
	s.presence.changed(p)
	if p.Connected {
		s.alarms.Connected(p.Client.Thing)
		s.commands.Connected(p.Client.Thing)
		return
	}
	s.alarms.Gone(p.Client.Thing)
	s.commands.Gone(p.Client.Thing)
}

// response takes a gateway's answer to a command; ok is false when the message is none.
func (s *server) response(ctx context.Context, m broker.Message) (ok bool, err error) {
	thing, execution, response, ok := wire.ParseCommandTopic(m.Topic)
	if !ok || !response {
		return false, nil
	}
	switch err := s.commands.Response(ctx, thing, execution, m.Payload); {
	case err == nil:
		return true, nil
	case errors.Is(err, wire.ErrCommand):
		return true, as{err, broker.ErrPayload}
	case errors.Is(err, cloud.ErrNotFound):
		return true, fmt.Errorf("%w: %s was never asked for %s", broker.ErrPayload, thing, execution) // no repeating makes it good
	default:
		return true, as{err, broker.ErrBusy}
	}
}
