package flow

import (
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// blocks encodes samples as one record a class, or as several where one would be larger than a block may be.
func (f *Flow) blocks(samples []telemetry.Sample) ([]buffer.Record, error) {
	var recs []buffer.Record
	for _, part := range f.byClass(samples) {
		more, err := f.encode(f.class[part[0].Point], part)
		if err != nil {
			return nil, err
		}
		recs = append(recs, more...)
	}
	return recs, nil
}

// byClass parts samples by the class of their points, order kept. Mostly there is one class and nothing moves.
func (f *Flow) byClass(samples []telemetry.Sample) [][]telemetry.Sample {
	mixed := false
	for i := range samples {
		mixed = mixed || f.class[samples[i].Point] != f.class[samples[0].Point]
	}
	if !mixed {
		return [][]telemetry.Sample{samples}
	}
	parts := map[buffer.Class][]telemetry.Sample{}
	for _, s := range samples {
		parts[f.class[s.Point]] = append(parts[f.class[s.Point]], s)
	}
	return [][]telemetry.Sample{parts[buffer.Keep], parts[buffer.Normal]}
}

func (f *Flow) encode(class buffer.Class, samples []telemetry.Sample) ([]buffer.Record, error) {
	block, err := f.encoder.AppendBlock(nil, f.names, samples)
	if errors.Is(err, wire.ErrTooMuch) && len(samples) > 1 {
		half := len(samples) / 2
		first, err := f.encode(class, samples[:half])
		if err != nil {
			return nil, err
		}
		second, err := f.encode(class, samples[half:])
		return append(first, second...), err
	}
	if err != nil {
		return nil, fmt.Errorf("encode a block of %d samples: %w", len(samples), err)
	}
	return []buffer.Record{{Class: class, Samples: uint32(len(samples)), Data: block}}, nil
}
