package flow

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// blocks encodes samples as one record a class, audience and doubt, or as several where one would be larger than a block may be.
func (f *Flow) blocks(samples []telemetry.Sample, doubts doubts) (recs []buffer.Record, err error) {
	if len(samples) == 0 {
		return nil, nil
	}
	for _, p := range doubts.parts(samples) {
		for _, part := range f.byKind(p.samples) {
			more, err := f.encode(f.kind[part[0].Point], part, p.stamp)
			if err != nil {
				return nil, err
			}
			recs = append(recs, more...)
		}
	}
	return recs, nil
}

// byKind parts samples by the kind of their points, order kept. Mostly there is one kind and nothing moves.
func (f *Flow) byKind(samples []telemetry.Sample) [][]telemetry.Sample {
	mixed := false
	for i := range samples {
		mixed = mixed || f.kind[samples[i].Point] != f.kind[samples[0].Point]
	}
	if !mixed {
		return [][]telemetry.Sample{samples}
	}
	parts := map[kind][]telemetry.Sample{}
	for _, s := range samples {
		parts[f.kind[s.Point]] = append(parts[f.kind[s.Point]], s)
	}
	kinds := slices.SortedFunc(maps.Keys(parts), func(a, b kind) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.to, b.to)) })
	list := make([][]telemetry.Sample, len(kinds))
	for i, k := range kinds {
		list[i] = parts[k]
	}
	return list
}

// maxBlock is how many bytes a block may have: it is one MQTT message, and servers refuse large ones (penstock-cloud above 1 MiB).
// What is larger would never be delivered. One sample has at most a text of 64 KiB, so halving comes to an end.
const maxBlock = 512 << 10

// encode halves what is too much for one block until it fits.
func (f *Flow) encode(of kind, samples []telemetry.Sample, stamp wire.Stamp) ([]buffer.Record, error) {
	block, err := f.encoder.AppendBlock(nil, f.names, samples)
	if len(samples) > 1 && (errors.Is(err, wire.ErrTooMuch) || len(block) > maxBlock) {
		half := len(samples) / 2
		first, err := f.encode(of, samples[:half], stamp)
		if err != nil {
			return nil, err
		}
		second, err := f.encode(of, samples[half:], stamp)
		return append(first, second...), err
	}
	if err == nil && stamp.Doubted() {
		block, err = wire.Doubt(block, stamp)
	}
	if err != nil {
		return nil, fmt.Errorf("encode a block of %d samples: %w", len(samples), err)
	}
	return []buffer.Record{{Class: of.class, For: of.to, Samples: uint32(len(samples)), Data: block}}, nil
}
