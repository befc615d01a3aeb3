package thin

import (
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// spans are how long the spans of time are of which four samples stay, level by level.
func spans() [buffer.Levels]time.Duration {
	return [...]time.Duration{time.Minute, 10 * time.Minute, time.Hour}
}

// Thinner makes blocks coarser. It is for one goroutine at a time; its memory is that of one block and a bit for each sample.
type Thinner struct {
	decoder *wire.Decoder // made when it is needed first
	encoder *wire.Encoder

	columns map[string]*column
	kept    []bits // of each record, the samples that stay, in the order of decoding
	names   []string
	samples []telemetry.Sample
}

// Blocks is a buffer.Thin. A sample may stand for its neighbours of the same span in other blocks; each block keeps one at least. What is no block
// that can be read here, or one whose times are in doubt, stays as it is.
func (t *Thinner) Blocks(level int, recs []buffer.Record) ([]buffer.Record, error) {
	if level < 1 || level > buffer.Levels {
		return nil, fmt.Errorf("make blocks coarser: there is no level %d", level)
	}
	if t.decoder == nil {
		t.decoder, t.encoder = wire.NewDecoder(), wire.NewEncoder(wire.Balanced)
	}
	t.columns, t.kept = map[string]*column{}, make([]bits, len(recs))
	if err := t.choose(spans()[level-1], recs); err != nil {
		return nil, err
	}
	out := make([]buffer.Record, len(recs))
	for i, r := range recs {
		var err error
		if out[i], err = t.rewrite(r, t.kept[i]); err != nil {
			return nil, err
		}
	}
	t.columns, t.kept = nil, nil
	return out, nil
}

// choose goes through all samples, and marks those that stay.
func (t *Thinner) choose(span time.Duration, recs []buffer.Record) error {
	for i, r := range recs {
		if t.kept[i] = fit(r); t.kept[i] == nil {
			continue
		}
		n := 0
		err := t.decoder.Decode(r.Data, func(name string, s telemetry.Sample) bool {
			c := t.columns[name]
			if c == nil {
				c = &column{}
				t.columns[name] = c
			}
			c.put(&s, spot{i, n}, int64(span), t.kept)
			n++
			return true
		})
		if err != nil {
			return fmt.Errorf("make block %d coarser: %w", r.Seq, err)
		}
	}
	for _, c := range t.columns {
		c.end(t.kept)
	}
	return nil
}

// fit gives the marks of a block's samples, or nil of what is left alone.
func fit(r buffer.Record) bits {
	sum, err := wire.Peek(r.Data)
	if err != nil || sum.Stamp.Doubted() || sum.Samples < 2 {
		return nil
	}
	return make(bits, (sum.Samples+63)/64)
}

// rewrite makes a block of what stays of one.
func (t *Thinner) rewrite(r buffer.Record, kept bits) (buffer.Record, error) {
	if kept == nil {
		return r, nil
	}
	kept.ensure()
	t.names, t.samples = t.names[:0], t.samples[:0]
	n := -1
	err := t.decoder.Decode(r.Data, func(name string, s telemetry.Sample) bool {
		if n++; !kept.has(n) {
			return true
		}
		if len(t.names) == 0 || t.names[len(t.names)-1] != name {
			t.names = append(t.names, name)
		}
		s.Point = telemetry.PointID(len(t.names) - 1)
		t.samples = append(t.samples, s)
		return true
	})
	if err != nil || len(t.samples) == int(r.Samples) {
		return r, err
	}
	block, err := t.encoder.AppendBlock(nil, t.names, t.samples)
	if errors.Is(err, wire.ErrTooMuch) || len(block) > len(r.Data) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("make block %d coarser: %w", r.Seq, err)
	}
	r.Data, r.Samples = block, uint32(len(t.samples))
	return r, nil
}
