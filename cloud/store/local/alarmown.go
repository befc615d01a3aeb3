package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// StepAlarm implements cloud.OwnAlarmStore.
func (s *Store) StepAlarm(ctx context.Context, thing, name string, step cloud.AlarmStep, entries ...audit.Entry) (a cloud.Alarm, changed bool, err error) {
	err = s.writer.write(ctx, func(c *conn) (err error) {
		a, changed, err = stepAlarm(c, thing, name, step)
		if err == nil && changed {
			err = appendAudit(c, entries...)
		}
		return err
	})
	if err != nil {
		return cloud.Alarm{}, false, fmt.Errorf("alarm %s of %s: %w", name, thing, err)
	}
	return a, changed, nil
}

func stepAlarm(c *conn, thing, name string, step cloud.AlarmStep) (a cloud.Alarm, changed bool, err error) {
	bg := context.Background()
	id, err := thingID(bg, c, thing)
	if err != nil {
		return a, false, err
	}
	var memory []byte
	err = c.one(bg, "SELECT memory FROM alarm WHERE gateway = ? AND name = ?", []any{id, name}, &memory)
	switch {
	case err == nil && memory == nil:
		return a, false, fmt.Errorf("it is the gateway's own: give this one another name: %w", cloud.ErrConflict)
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return a, false, err
	}
	next, events, err := step(memory)
	if err != nil || len(events) == 0 {
		return a, false, err
	}
	book := &alarmBook{conn: c, gateway: id, own: true, rows: map[string]*alarmRow{}}
	for _, e := range events {
		if err := book.take(&cloud.AlarmBatch{Gateway: thing, Received: time.Now().UTC()}, e); err != nil {
			return a, false, err
		}
	}
	row := book.order[0]
	row.alarm.Own = true
	if err := row.save(c); err != nil {
		return a, false, err
	}
	_, err = c.exec(bg, "UPDATE alarm SET memory = ? WHERE id = ?", next, row.id)
	return row.alarm, true, err
}
