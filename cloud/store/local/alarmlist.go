package local

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
)

// Alarm implements cloud.AlarmStore.
func (s *Store) Alarm(ctx context.Context, thing, name string) (cloud.Alarm, error) {
	var row alarmRow
	err := s.readers.read(ctx, func(c *conn) (err error) {
		row, err = loadAlarm(ctx, c, `SELECT id, data FROM alarm WHERE gateway = (SELECT id FROM thing WHERE name = ?1) AND name = ?2
			UNION ALL SELECT id, data FROM alarm WHERE thing = ?1 AND name = ?2 LIMIT 1`, thing, name)
		return err
	})
	if err != nil {
		return cloud.Alarm{}, fmt.Errorf("alarm %s of %s: %w", name, thing, err)
	}
	return row.alarm, nil
}

// Alarms implements cloud.AlarmStore.
func (s *Store) Alarms(ctx context.Context, q cloud.AlarmQuery) (found []cloud.Alarm, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		f, err := newAlarmFilter(ctx, c, q, "changed")
		if err != nil {
			return err
		}
		if q.View != cloud.AlarmsAll {
			f.and("view = ?", string(q.View))
		}
		query := "SELECT id, changed, data FROM alarm WHERE " + f.where + " ORDER BY changed DESC, id DESC LIMIT ?"
		found, err = scanAlarms(ctx, c, query, append(f.args, q.Max)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return found, nil
}

func scanAlarms(ctx context.Context, c *conn, query string, args ...any) (found []cloud.Alarm, err error) {
	err = c.each(ctx, query, args, func(scan func(...any) error) error {
		var a cloud.Alarm
		place, err := scanPlaced(scan, &a)
		a.Place = place
		found = append(found, a)
		return err
	})
	return found, err
}

// AlarmHistory implements cloud.AlarmStore.
func (s *Store) AlarmHistory(ctx context.Context, q cloud.AlarmQuery) (found []cloud.AlarmRecord, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		f, err := newAlarmFilter(ctx, c, q, "time")
		if err != nil {
			return err
		}
		query := "SELECT id, time, data FROM alarm_event WHERE " + f.where + " ORDER BY time DESC, id DESC LIMIT ?"
		return c.each(ctx, query, append(f.args, q.Max), func(scan func(...any) error) error {
			var r cloud.AlarmRecord
			place, err := scanPlaced(scan, &r)
			r.Place = place
			found = append(found, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list events of alarms: %w", err)
	}
	return found, nil
}

// scanPlaced reads a row of both lists: its id, its time and its data.
func scanPlaced(scan func(...any) error, into any) (place cloud.Place, err error) {
	var data []byte
	if err := scan(&place.ID, &place.Time, &data); err != nil {
		return place, err
	}
	return place, json.Unmarshal(data, into)
}

// alarmFilter is a condition made of constants, so that few statements are prepared.
type alarmFilter struct {
	where string
	args  []any
}

func (f *alarmFilter) and(condition string, args ...any) {
	f.where, f.args = f.where+" AND "+condition, append(f.args, args...)
}

// newAlarmFilter is what both lists share. at is the column of time: changed for alarms, time for events.
func newAlarmFilter(ctx context.Context, c *conn, q cloud.AlarmQuery, at string) (*alarmFilter, error) {
	before := q.Before
	if before == (cloud.Place{}) {
		before = cloud.Place{Time: math.MaxInt64, ID: math.MaxInt64}
	}
	f := &alarmFilter{where: "(" + at + ", id) < (?, ?)", args: []any{before.Time, before.ID}}
	which, err := whichAlarms(ctx, c, q)
	switch {
	case err != nil || which.where == "":
	case at == "changed":
		f.and(which.where, which.args...)
	case q.Name == "" && strings.HasPrefix(which.where, "gateway"): // events have this column too
		f.and(which.where, which.args...)
	default:
		f.and("alarm IN (SELECT id FROM alarm WHERE "+which.where+")", which.args...)
	}
	return f, err
}

// whichAlarms is a condition on the table of alarms; empty for all.
func whichAlarms(ctx context.Context, c *conn, q cloud.AlarmQuery) (f alarmFilter, err error) {
	if q.Thing != "" {
		gateway, err := gatewayID(ctx, c, q.Thing)
		if err != nil {
			return f, err
		}
		if f = (alarmFilter{"thing = ?", []any{q.Thing}}); gateway != 0 {
			f = alarmFilter{"gateway = ?", []any{gateway}}
		}
	}
	switch {
	case q.Name == "":
	case f.where == "":
		f = alarmFilter{"name = ?", []any{q.Name}}
	default:
		f.and("name = ?", q.Name)
	}
	return f, nil
}

// gatewayID is the row of a thing that is a gateway; 0 when it is none.
func gatewayID(ctx context.Context, c *conn, name string) (id int64, err error) {
	err = c.one(ctx, "SELECT id FROM thing WHERE name = ? AND kind = ?", []any{name, string(cloud.KindGateway)}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}
