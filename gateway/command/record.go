package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// record is an order on the shelf, with what came of it.
type record struct {
	Format  int             `json:"format"`
	Keyed   bool            `json:"keyed,omitempty"` // the key came with the order, so it may come again
	Point   string          `json:"point"`
	Print   string          `json:"print"` // Order.print
	Value   telemetry.Value `json:"value"` // what is to be written, while it is not
	Held    telemetry.Value `json:"held"`  // what the point reads once Value is written
	Who     string          `json:"who"`
	From    string          `json:"from,omitempty"`
	Channel Channel         `json:"channel"`
	Key     string          `json:"key"`
	Issued  time.Time       `json:"issued"`
	At      time.Time       `json:"at"`               // when this was written
	Answer  string          `json:"answer,omitempty"` // the topic of the answer

	State   State             `json:"state,omitempty"` // empty: asked
	Code    Code              `json:"code,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Reads   telemetry.Value   `json:"reads"`
	Quality telemetry.Quality `json:"quality,omitempty"`
	Time    int64             `json:"time,omitempty"`
}

func recordOf(o Order, keyed bool) record {
	return record{
		Format: format, Keyed: keyed, Point: o.Point, Print: o.print(), Who: o.Who, From: o.From, Channel: o.Channel, Key: o.Key, Issued: o.Issued, Answer: o.answer,
	}
}

// with is the record of an order once its result is known.
func (r record) with(result Result, at time.Time) record {
	r.State, r.Code, r.Reason, r.At = result.State, result.Code, cut(result.Reason), at
	r.Reads, r.Quality, r.Time = result.Sample.Value, result.Sample.Quality, result.Sample.Time
	r.Value, r.Held = telemetry.Value{}, telemetry.Value{}
	return r
}

func (r record) result() Result {
	return Result{State: r.State, Code: r.Code, Reason: r.Reason, Sample: telemetry.Sample{Value: r.Reads, Quality: r.Quality, Time: r.Time}}
}

func (r record) encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("keep an order for %s: %w", r.Point, err)
	}
	return b, nil
}

// maxRecord is more than encode writes: a text of 64 KiB that was read, escaped, the value to be written, and the names.
const maxRecord = 1 << 20

func readRecord(stored []byte) (r record, err error) {
	if len(stored) > maxRecord {
		return r, fmt.Errorf("read an order: %d bytes, at most %d can be", len(stored), maxRecord)
	}
	if err := json.Unmarshal(stored, &r); err != nil {
		return r, fmt.Errorf("read an order: %w", err)
	}
	if r.Format != format {
		return r, fmt.Errorf("read an order: format %d is not known here, only %d: was it written by a newer version?", r.Format, format)
	}
	if r.Point == "" && r.State == "" {
		return r, errors.New("read an order: it names no point")
	}
	return r, nil
}

// id is the order's key among those of all channels.
func (r record) id() string { return string(r.Channel) + "/" + r.Key }

// order is what is on the shelf under a key: asked for, or done.
func (l *Log) order(id string) (r record, found bool, err error) {
	err = l.store.View(room, func(s state.Shelf) error {
		for _, key := range []string{"done/" + id, "open/" + id} {
			if stored := s.Get(key); stored != nil {
				found = true
				r, err = readRecord(stored)
				return err
			}
		}
		return nil
	})
	return r, found, err
}
