package rule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/wire"
)

// storing makes a row's fields points of a thing.
type storing struct{ thing, point text }

func newStoring(m *maker) (action, error) {
	var s struct {
		Thing string `json:"thing"`
		Point string `json:"point"`
	}
	m.read(&s)
	return &storing{m.text("thing", s.Thing), m.text("point", s.Point)}, m.err
}

func (a *storing) kind() string { return kindStore }
func (a *storing) resource() string {
	return a.thing.constant + "/" + a.point.constant
}

type storeCall struct {
	Thing string    `json:"thing"`
	Point string    `json:"point,omitempty"`
	Time  time.Time `json:"time"`
}

func (a *storing) call(o *occasion) (any, error) {
	c := storeCall{Thing: o.thing, Time: o.at}
	var err error
	if a.thing.constant != "" {
		if c.Thing, err = a.thing.must(o, "thing"); err != nil {
			return nil, err
		}
	}
	if a.point.constant != "" {
		if c.Point, err = a.point.must(o, "point"); err != nil {
			return nil, err
		}
	}
	if c.Thing == "" {
		return nil, errors.New("thing is missing, and the topic names none: say whose points the fields become")
	}
	return c, nil
}

// batch is what is stored: each field of the row under its name; with Point, value under that name and the others behind it and a dot.
func (c storeCall) batch(enc *wire.Encoder, row []byte) (*cloud.Batch, error) {
	fields, err := c.fields(row)
	if err != nil {
		return nil, err
	}
	points, samples, err := wire.ParseTelemetry(fields, c.Time)
	if err != nil {
		return nil, fmt.Errorf("the row's fields are no points: %w", err)
	}
	block, err := enc.AppendBlock(nil, points, samples)
	if err != nil {
		return nil, fmt.Errorf("the row's fields are no points: %w", err)
	}
	sum, err := wire.Peek(block)
	return &cloud.Batch{Thing: c.Thing, Received: c.Time, Block: block, Samples: sum.Samples, Points: sum.Points, From: sum.From, To: sum.To}, err
}

func (c storeCall) fields(row []byte) ([]byte, error) {
	v, err := sql.ParseJSON(row)
	if err == nil && v.Kind() == sql.Object && c.Point == "" {
		return row, nil
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("the row is no JSON: %w", err)
	case c.Point == "":
		return nil, fmt.Errorf(`the row is %s: without "point" its fields become points`, v.Kind())
	case v.Kind() != sql.Object:
		return json.Marshal(map[string]json.RawMessage{c.Point: row})
	}
	var fields, named map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(row)).Decode(&fields); err != nil {
		return nil, err
	}
	named = map[string]json.RawMessage{}
	for key, value := range fields {
		switch key {
		case "value":
			named[c.Point] = value
		case "ts":
			named[key] = value
		default:
			named[c.Point+"."+key] = value
		}
	}
	return json.Marshal(named)
}

// storing leaves the work to the transaction that takes the item out: that is how the row is stored once.
func (e *Engine) storing(_ context.Context, item *cloud.OutboxItem) (st cloud.Settlement, err error) {
	var c storeCall
	if err := json.Unmarshal(item.Call, &c); err != nil {
		return st, refuse("read what to store: %w", err)
	}
	p := e.pickers.Get().(*picker)
	defer e.pickers.Put(p)
	if st.Batch, err = c.batch(p.enc, item.Payload); err != nil {
		return st, refusal{err}
	}
	return st, nil
}
