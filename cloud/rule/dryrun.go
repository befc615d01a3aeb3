package rule

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	sql "github.com/penstock-edge/penstock/sync/rule"
)

// dryRun is a statement and a message to try it with. Payload is any JSON; PayloadBase64 is for what is none.
type dryRun struct {
	SQL           string          `json:"sql"`
	Topic         string          `json:"topic"`
	Payload       json.RawMessage `json:"payload"`
	PayloadBase64 []byte          `json:"payloadBase64"`
	ClientID      string          `json:"clientId"`
}

// dryRow is what came of it. Of a statement with a window: the row when that ends, with this message alone in it.
type dryRow struct {
	Fires         bool            `json:"fires"`
	Payload       json.RawMessage `json:"payload,omitempty"`
	PayloadBase64 string          `json:"payloadBase64,omitempty"`
}

func (s *rest) test(r *http.Request, _ Person) (any, error) {
	data, err := read(r)
	if err != nil {
		return nil, err
	}
	var t dryRun
	if err := decode(data, &t); err != nil {
		return nil, invalid{fmt.Errorf(`send {"sql": "...", "topic": "...", "payload": ...}: %w`, err)}
	}
	if t.Payload == nil {
		t.Payload = t.PayloadBase64
	}
	return s.e.try(t)
}

func (e *Engine) try(t dryRun) (row dryRow, err error) {
	statement, err := sql.Parse(t.SQL)
	if err != nil {
		return row, err
	}
	if t.Topic == "" && statement.From() == "" {
		t.Topic = basicIngest + "test"
	}
	var bad error
	emit := func(r sql.Row) {
		payload, err := r.Payload()
		if bad = errors.Join(bad, err); err != nil || row.Fires {
			return
		}
		row.Fires = true
		if json.Valid(payload) {
			row.Payload = payload
		} else {
			row.PayloadBase64 = base64.StdEncoding.EncodeToString(payload)
		}
	}
	now := time.Now()
	trial := sql.New(statement, sql.Options{Functions: e.o.Functions, Account: e.o.Account})
	err = trial.Eval(now, sql.Message{Topic: t.Topic, Payload: t.Payload, ClientID: t.ClientID, TraceID: newTrace()}, emit)
	if at, ok := trial.Next(); ok && err == nil && !row.Fires {
		err = trial.Tick(at, emit)
	}
	if err = errors.Join(err, bad); err != nil {
		return dryRow{}, invalid{err}
	}
	return row, nil
}
