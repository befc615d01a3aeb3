package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// putBlock stores a gateway's block once. It is decoded to its end before: what is acknowledged can be read for ever.
func (in *Ingest) putBlock(ctx context.Context, m Message) error {
	if m.Seq == 0 || !wire.ValidName(m.Epoch) {
		return refuse(errors.New("a block needs the user properties epoch, a word, and seq, a number from 1"))
	}
	live, err := in.decode(m)
	if err != nil {
		return refuse(err)
	}
	stored, err := in.append(ctx, m, m.Payload)
	switch {
	case err != nil:
		return err
	case !stored:
		in.counts.repeats.Add(1)
		return nil
	}
	in.counts.blocks.Add(1)
	in.Tell(live)
	return nil
}

// decode reads a block to its end and keeps the newest sample of each point, if somebody wants to see it.
func (in *Ingest) decode(m Message) (cloud.Live, error) {
	dec := in.decoders.Get().(*wire.Decoder)
	defer in.decoders.Put(dec)
	live, wanted := cloud.Live{Thing: m.Thing}, in.wanted(m.Thing)
	err := dec.Decode(m.Payload, func(name string, s telemetry.Sample) bool {
		if live.Count++; wanted {
			live.Samples = newest(live.Samples, name, s)
		}
		return true
	})
	return live, err
}

// Show tells those who watch of samples that are not stored, a block of them, and counts nothing.
func (in *Ingest) Show(thing string, block []byte) error {
	live, err := in.decode(Message{Thing: thing, Payload: block})
	if err != nil {
		return fmt.Errorf("live samples of %s: %w", thing, refuse(err))
	}
	live.Count = 0
	in.tellWatchers(live)
	return nil
}

// newest takes the next sample, of the last point in list or of one behind it. Of equal times the one that came later is newer.
func newest(list []cloud.LiveSample, name string, s telemetry.Sample) []cloud.LiveSample {
	n := len(list)
	if n == 0 || list[n-1].Point != name {
		return append(list, cloud.LiveSample{Point: name, Sample: s})
	}
	if s.Time >= list[n-1].Sample.Time {
		list[n-1].Sample = s
	}
	return list
}

// putTelemetry stores the fields of a JSON message as the thing's points. It has no number, so it is stored as often as it comes.
func (in *Ingest) putTelemetry(ctx context.Context, m Message) error {
	names, samples, err := wire.ParseTelemetry(m.Payload, m.Received)
	if err != nil {
		return refuse(err)
	}
	enc := in.encoders.Get().(*wire.Encoder)
	block, err := enc.AppendBlock(nil, names, samples)
	in.encoders.Put(enc)
	if err != nil {
		return refuse(err)
	}
	m.Epoch, m.Seq = "", 0
	if _, err := in.append(ctx, m, block); err != nil {
		return err
	}
	in.counts.messages.Add(1)
	live := cloud.Live{Thing: m.Thing, Count: len(samples)}
	for _, s := range samples {
		live.Samples = append(live.Samples, cloud.LiveSample{Point: names[s.Point], Sample: s})
	}
	in.Tell(live)
	return nil
}

func (in *Ingest) append(ctx context.Context, m Message, block []byte) (stored bool, err error) {
	sum, err := wire.Peek(block)
	if err != nil {
		return false, refuse(err)
	}
	skipped, err := m.skipped()
	if err != nil {
		return false, refuse(err)
	}
	batch := cloud.Batch{Thing: m.Thing, Epoch: m.Epoch, Seq: m.Seq, Skipped: skipped, Oldest: m.Oldest, Received: m.Received, Block: block,
		Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To, Stamp: sum.Stamp}
	if err := in.show(&batch, m); err != nil {
		return false, refuse(err)
	}
	answer, err := in.store.Append(ctx, batch)
	if err != nil {
		return false, err
	}
	if answer[0] {
		in.counts.samples.Add(uint64(sum.Samples))
	}
	return answer[0], nil
}

// show has rules see what they want of a batch, in the step that stores it.
func (in *Ingest) show(b *cloud.Batch, m Message) error {
	switch {
	case in.Rules == nil:
		return nil
	case m.What == wire.WhatBlock:
		return in.Rules.Block(b)
	}
	in.Rules.Message(b, m.Seen)
	return nil
}
