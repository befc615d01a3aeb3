package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// parallelThings is how many new devices are registered at once: they share the store's transactions.
const parallelThings = 64

// putBirth records what a gateway says of itself, as JSON, and registers its devices under gateway:device.
func (in *Ingest) putBirth(ctx context.Context, m Message) error {
	birth, err := wire.DecodeBirth(m.Payload)
	if err != nil {
		return refuse(err)
	}
	if birth.Gateway != m.Thing {
		return refuse(fmt.Errorf("it is the birth of %s: give the gateway the id under which it enrolled", birth.Gateway))
	}
	for _, d := range birth.Devices {
		if name := deviceName(m.Thing, d.Name); d.Name == "" || !wire.ValidName(name) {
			return refuse(fmt.Errorf("the device %q cannot be registered as %q: 1 to %d of a-z A-Z 0-9 : _ - are allowed", d.Name, name, wire.MaxThing))
		}
	}
	text, err := json.Marshal(birth)
	if err != nil {
		return refuse(err)
	}
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(parallelThings)
	for _, d := range birth.Devices {
		group.Go(func() error { return in.register(inGroup, deviceName(m.Thing, d.Name), m.Received) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return in.store.SetBirth(ctx, m.Thing, text)
}

func deviceName(gateway, device string) string { return gateway + ":" + device }

// register makes the device's thing unless it is there. It looks first: a gateway that comes back costs no write.
func (in *Ingest) register(ctx context.Context, name string, now time.Time) error {
	_, err := in.store.Thing(ctx, name)
	if errors.Is(err, cloud.ErrNotFound) {
		err = in.store.CreateThing(ctx, cloud.Thing{Name: name, Kind: cloud.KindDevice, Created: now})
	}
	if errors.Is(err, cloud.ErrExists) {
		return nil
	}
	return err
}

// putLoss records what a gateway could not keep.
func (in *Ingest) putLoss(ctx context.Context, m Message) error {
	declared, err := wire.DecodeDeclaration(m.Payload)
	if err != nil {
		return refuse(err)
	}
	losses, given := make([]cloud.Loss, len(declared.Losses)), make([]cloud.GivenUp, len(declared.GivenUp))
	for i, l := range declared.Losses {
		losses[i] = cloud.Loss(l)
	}
	for i, g := range declared.GivenUp {
		given[i] = cloud.GivenUp(g)
	}
	if len(losses) > 0 {
		err = in.store.Declare(ctx, m.Thing, losses)
	}
	if err == nil && len(given) > 0 {
		err = in.store.GiveUp(ctx, m.Thing, given)
	}
	return err
}

// putVerdicts puts times right that were in doubt.
func (in *Ingest) putVerdicts(ctx context.Context, m Message) error {
	verdicts, err := wire.DecodeVerdicts(m.Payload)
	if err != nil {
		return refuse(err)
	}
	return in.store.PutRight(ctx, m.Thing, verdicts)
}
