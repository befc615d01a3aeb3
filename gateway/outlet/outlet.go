package outlet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Message is one MQTT message.
type Message struct {
	Topic, ContentType string
	Payload            []byte
	Samples            int
}

// Outlet writes the messages of one target. It is safe for concurrent use.
type Outlet struct {
	Gateway, Site string
	Topic         config.Topic
	Block         bool                      // the payload is a block (sync/wire/FORMAT.md), not JSON; then the topic has no device and no point
	Unit          func(point string) string // of a point, by its full name
	Limits        Limits
}

// Place is where a block stands.
type Place struct {
	Epoch string
	Seq   uint64
}

// sample is one as it is in JSON. Value is null where there is none; numbers that JSON does not have are texts: "NaN", "+Inf", "-Inf".
type sample struct {
	Device  string          `json:"device"`
	Point   string          `json:"point"`
	Time    time.Time       `json:"ts"` // RFC 3339, UTC, with nanoseconds
	Value   telemetry.Value `json:"value"`
	Quality string          `json:"quality"`
	Unit    string          `json:"unit,omitempty"`
}

// head is how a message begins, ready for its samples.
func (o *Outlet) head(p Place) []byte {
	b, err := json.Marshal(struct {
		Gateway string `json:"gateway"`
		Epoch   string `json:"epoch"`
		Seq     uint64 `json:"seq"`
	}{o.Gateway, p.Epoch, p.Seq})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return append(b[:len(b)-1], `,"samples":[`...)
}

const tail = "]}"

// Messages are a block as the broker takes it. limit is how many bytes a payload may have, 0: any.
func (o *Outlet) Messages(block []byte, p Place, limit int) ([]Message, error) {
	if o.Limits.Payload > 0 && (limit == 0 || o.Limits.Payload < limit) {
		limit = o.Limits.Payload
	}
	if o.Block {
		return o.blocks(block, limit)
	}
	w := writer{Outlet: o, head: o.head(p), limit: limit, open: map[string]int{}}
	var failed error
	err := wire.NewDecoder().Decode(block, func(name string, s telemetry.Sample) bool {
		failed = w.add(name, s)
		return failed == nil
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	for _, at := range w.open {
		w.list[at].Payload = append(w.list[at].Payload, tail...)
	}
	return w.list, nil
}

// writer writes the messages of one block.
type writer struct {
	*Outlet
	head  []byte
	limit int
	list  []Message
	open  map[string]int // the message of each topic that takes more
}

func (w *writer) add(name string, s telemetry.Sample) error {
	text, err := w.encode(name, s)
	if err != nil {
		return err
	}
	device, point, _ := strings.Cut(name, ".")
	topic := w.Topic.Of(w.Gateway, w.Site, device, point)
	at, there := w.open[topic]
	if there && w.limit > 0 && len(w.list[at].Payload)+1+len(text)+len(tail) > w.limit {
		w.list[at].Payload = append(w.list[at].Payload, tail...)
		there = false
	}
	if !there {
		at = len(w.list)
		w.open[topic] = at
		w.list = append(w.list, Message{Topic: topic, ContentType: wire.ContentJSON, Payload: append([]byte(nil), w.head...)})
	} else {
		w.list[at].Payload = append(w.list[at].Payload, ',')
	}
	w.list[at].Payload = append(w.list[at].Payload, text...)
	w.list[at].Samples++
	return nil
}

// encode writes one sample. A text that is too long for the broker loses its value and is bad, as one that is too long for a block.
func (w *writer) encode(name string, s telemetry.Sample) ([]byte, error) {
	device, point, _ := strings.Cut(name, ".")
	j := sample{device, point, time.Unix(0, s.Time).UTC(), s.Value, s.Quality.String(), w.Unit(name)}
	text, err := json.Marshal(j)
	if err == nil && w.limit > 0 && len(w.head)+len(text)+len(tail) > w.limit {
		j.Value, j.Quality = telemetry.Value{}, telemetry.BadOutOfRange.String()
		text, err = json.Marshal(j)
	}
	if err != nil {
		return nil, fmt.Errorf("write a sample of %s as JSON: %w", name, err)
	}
	return text, nil
}

// blocks is the block itself, in halves where it is too large.
func (o *Outlet) blocks(block []byte, limit int) ([]Message, error) {
	sum, err := wire.Peek(block)
	if err != nil {
		return nil, err
	}
	topic := o.Topic.Of(o.Gateway, o.Site, "", "")
	if limit == 0 || len(block) <= limit {
		return []Message{{topic, wire.ContentBlock, block, sum.Samples}}, nil
	}
	if sum.Samples == 1 {
		return nil, fmt.Errorf("one sample has %d bytes; the broker takes %d", len(block), limit)
	}
	var list []Message
	for _, half := range []bool{false, true} {
		part, err := halve(block, sum.Samples/2, half)
		if err != nil {
			return nil, err
		}
		more, err := o.blocks(part, limit)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// halve is the first n samples of a block, or the others.
func halve(block []byte, n int, others bool) ([]byte, error) {
	var names []string
	var samples []telemetry.Sample
	at := 0
	err := wire.NewDecoder().Decode(block, func(name string, s telemetry.Sample) bool {
		if at++; (at > n) == others {
			if len(names) == 0 || names[len(names)-1] != name {
				names = append(names, name)
			}
			s.Point = telemetry.PointID(len(names) - 1)
			samples = append(samples, s)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return wire.NewEncoder(wire.Balanced).AppendBlock(nil, names, samples)
}
