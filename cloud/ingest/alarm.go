package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// putAlarms stores the events of a gateway's alarms, once. The message is a record of its buffer, so it has a block's number.
func (in *Ingest) putAlarms(ctx context.Context, m Message) error {
	if m.Seq == 0 || !wire.ValidName(m.Epoch) {
		return refuse(errors.New("alarms need the user properties epoch, a word, and seq, a number from 1"))
	}
	events, err := wire.DecodeAlarms(m.Payload)
	if err != nil {
		return refuse(err)
	}
	for _, e := range events {
		if e.Thing != m.Thing && !strings.HasPrefix(e.Thing, m.Thing+":") {
			return refuse(fmt.Errorf("it tells of an alarm of %s: a gateway tells of its own and of those of devices behind it, %s:DEVICE", e.Thing, m.Thing))
		}
	}
	if err := in.onlyGateways(ctx, m.Thing); err != nil {
		return err
	}
	skipped, err := m.skipped()
	if err != nil {
		return refuse(err)
	}
	changed, stored, err := in.store.AppendAlarms(ctx, cloud.AlarmBatch{Gateway: m.Thing, Epoch: m.Epoch, Seq: m.Seq, Skipped: skipped, Oldest: m.Oldest, Received: m.Received, Events: events})
	switch {
	case err != nil:
		return err
	case !stored:
		in.counts.repeats.Add(1)
		return nil
	}
	in.counts.alarms.Add(1)
	if len(changed) > 0 {
		in.Tell(cloud.Live{Thing: m.Thing, Alarms: changed})
	}
	return nil
}

func (in *Ingest) onlyGateways(ctx context.Context, thing string) error {
	t, err := in.store.Thing(ctx, thing)
	if err == nil && t.Kind != cloud.KindGateway {
		err = refuse(fmt.Errorf("%s is no gateway: what it measures goes to dt/%s/telemetry, and a rule of the cloud raises the alarm", thing, thing))
	}
	return err
}
