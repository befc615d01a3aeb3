package gateway

import (
	"log/slog"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// leftovers are the journal that a crash left behind, as records: every entry of it is a block already. It is parted by who is told of what. An entry that
// this version cannot read (an older one may have written it) is kept as it is for those who are told of everything: they take it, or it is declared lost.
func leftovers(entries [][]byte, to *audience, log *slog.Logger) (recs []buffer.Record) {
	for _, entry := range entries {
		parts, err := part(entry, to.name)
		if err == nil {
			recs = append(recs, parts...)
			continue
		}
		log.Warn("an entry of the journal is not understood here", "err", err)
		sum, _ := wire.Peek(entry) // zero when it says nothing
		all, anyone := to.those((*config.Target).TakesAll)
		if !anyone {
			log.Error("it is lost: no target takes everything, and nobody knows whose it is", "samples", sum.Samples)
			continue
		}
		recs = append(recs, buffer.Record{Class: buffer.Normal, Samples: uint32(sum.Samples), Data: entry, For: all})
	}
	return recs
}

// part takes a block apart by who is told of its points. What was in doubt stays so.
func part(block []byte, to func(point string) (buffer.Audience, bool)) (recs []buffer.Record, err error) {
	sum, err := wire.Peek(block)
	if err != nil {
		return nil, err
	}
	unmarked, err := wire.Settle(block, sum.Stamp.Offset)
	if err != nil {
		return nil, err
	}
	var names []string
	places := map[string]telemetry.PointID{}
	samples := map[buffer.Audience][]telemetry.Sample{}
	var order []buffer.Audience
	err = wire.NewDecoder().Decode(unmarked, func(name string, s telemetry.Sample) bool {
		at, known := places[name]
		if !known {
			at = telemetry.PointID(len(names))
			names, places[name] = append(names, name), at
		}
		if who, anyone := to(name); anyone {
			if samples[who] == nil {
				order = append(order, who)
			}
			s.Point = at
			samples[who] = append(samples[who], s)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if len(order) == 1 && len(samples[order[0]]) == sum.Samples {
		return []buffer.Record{{Class: buffer.Normal, Samples: uint32(sum.Samples), Data: block, For: order[0]}}, nil
	}
	encoder := wire.NewEncoder(wire.Balanced)
	for _, who := range order {
		data, err := encoder.AppendBlock(nil, names, samples[who])
		if err == nil && sum.Stamp.Doubted() {
			data, err = wire.Doubt(data, sum.Stamp)
		}
		if err != nil {
			return nil, err
		}
		recs = append(recs, buffer.Record{Class: buffer.Normal, Samples: uint32(len(samples[who])), Data: data, For: who})
	}
	return recs, nil
}
