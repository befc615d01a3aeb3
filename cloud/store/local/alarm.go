package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// AppendAlarms implements cloud.AlarmStore.
func (s *Store) AppendAlarms(ctx context.Context, b cloud.AlarmBatch) (changed []cloud.Alarm, stored bool, err error) {
	err = checkAlarms(&b)
	if err == nil {
		err = s.writer.write(ctx, func(c *conn) (err error) {
			changed, stored, err = appendAlarms(c, &b)
			return err
		})
	}
	if err != nil {
		return nil, false, fmt.Errorf("alarms of %s: %w", b.Gateway, err)
	}
	return changed, stored, nil
}

func checkAlarms(b *cloud.AlarmBatch) error {
	switch {
	case (b.Epoch == "") != (b.Seq == 0):
		return fmt.Errorf("epoch %q with sequence number %d: a message has both or neither", b.Epoch, b.Seq)
	case b.Seq > math.MaxInt64:
		return fmt.Errorf("sequence number %d is beyond 2^63-1", b.Seq)
	case b.Oldest > math.MaxInt64:
		return fmt.Errorf("the oldest number %d is beyond 2^63-1", b.Oldest)
	case b.Skipped >= max(b.Seq, 1):
		return fmt.Errorf("%d numbers below number %d are more than there are", b.Skipped, b.Seq)
	}
	for _, e := range b.Events {
		if e.Alarm == "" || e.Sequence == 0 || e.Sequence > math.MaxInt64 {
			return fmt.Errorf("event %d of alarm %q cannot be kept: it needs the name of its alarm and a sequence number from 1 to 2^63-1", e.Sequence, e.Alarm)
		}
	}
	return nil
}

func appendAlarms(c *conn, b *cloud.AlarmBatch) (changed []cloud.Alarm, stored bool, err error) {
	gateway, err := thingID(context.Background(), c, b.Gateway)
	if err != nil {
		return nil, false, err
	}
	if b.Seq != 0 {
		epoch, err := epochID(c, gateway, b.Epoch)
		if err != nil {
			return nil, false, err
		}
		if fresh, err := record(c, epoch, place{b.Seq, b.Skipped, b.Oldest}, 0); !fresh || err != nil {
			return nil, false, err
		}
	}
	moved := &alarmBook{conn: c, gateway: gateway, rows: map[string]*alarmRow{}}
	for _, e := range b.Events {
		if err := moved.take(b, e); err != nil {
			return nil, false, err
		}
	}
	changed, err = moved.save()
	return changed, true, err
}

// alarmBook is the alarms of a gateway that one message moves.
type alarmBook struct {
	conn    *conn
	gateway int64
	own     bool                 // the events are of an alarm that lives here
	rows    map[string]*alarmRow // by name
	order   []*alarmRow
}

type alarmRow struct {
	id    int64 // 0: not there yet
	alarm cloud.Alarm
	moved bool
}

// take stores an event unless it is there, and moves its alarm.
func (k *alarmBook) take(b *cloud.AlarmBatch, e wire.AlarmEvent) error {
	if e.Thing == "" {
		e.Thing = b.Gateway
	}
	row, err := k.row(b.Gateway, e)
	if err != nil {
		return err
	}
	data, err := json.Marshal(cloud.AlarmRecord{Gateway: b.Gateway, Received: b.Received, AlarmEvent: e})
	if err != nil {
		return err
	}
	fresh, err := k.conn.exec(context.Background(), "INSERT INTO alarm_event (alarm, gateway, sequence, time, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		row.id, k.gateway, int64(e.Sequence), ordinal(e.Time), data)
	if err == nil && fresh > 0 && row.alarm.Take(e) {
		row.moved = true
	}
	return err
}

// row finds an event's alarm, or makes it: the event's row needs its id.
func (k *alarmBook) row(gateway string, e wire.AlarmEvent) (*alarmRow, error) {
	if row, ok := k.rows[e.Alarm]; ok {
		return row, nil
	}
	row, err := loadAlarm(context.Background(), k.conn, "SELECT id, data FROM alarm WHERE gateway = ? AND name = ?", k.gateway, e.Alarm)
	if errors.Is(err, cloud.ErrNotFound) {
		row.alarm = cloud.Alarm{Gateway: gateway, Thing: e.Thing, Name: e.Alarm}
		row.id, err = k.conn.insert(context.Background(), "INSERT INTO alarm (gateway, thing, name, view, changed, pending, data) VALUES (?, ?, ?, '', 0, 0, '')",
			k.gateway, e.Thing, e.Alarm)
	}
	if err == nil && row.alarm.Own && !k.own { // a gateway has an alarm of that name now, and its word counts
		row.alarm = cloud.Alarm{Gateway: gateway, Thing: e.Thing, Name: e.Alarm}
		_, err = k.conn.exec(context.Background(), "UPDATE alarm SET memory = NULL WHERE id = ?", row.id)
	}
	if err != nil {
		return nil, err
	}
	k.rows[e.Alarm] = &row
	k.order = append(k.order, &row)
	return &row, nil
}

func (k *alarmBook) save() (changed []cloud.Alarm, err error) {
	for _, row := range k.order {
		if !row.moved {
			continue
		}
		if err := row.save(k.conn); err != nil {
			return nil, err
		}
		changed = append(changed, row.alarm)
	}
	return changed, nil
}

func (r *alarmRow) save(c *conn) error {
	data, err := json.Marshal(r.alarm)
	if err != nil {
		return err
	}
	_, err = c.exec(context.Background(), "UPDATE alarm SET thing = ?, view = ?, changed = ?, pending = ?, data = ? WHERE id = ?",
		r.alarm.Thing, string(r.alarm.View()), ordinal(r.alarm.Changed), r.alarm.Pending != nil, data, r.id)
	return err
}

// ordinal is a time as lists are ordered by it. A clock that is wrong by centuries is beyond what nanoseconds hold.
func ordinal(t time.Time) int64 {
	switch y := t.Year(); {
	case y < 1678:
		return math.MinInt64
	case y > 2261:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// loadAlarm reads the first alarm that a query finds.
func loadAlarm(ctx context.Context, c *conn, query string, args ...any) (row alarmRow, err error) {
	var data []byte
	if err := c.one(ctx, query, args, &row.id, &data); err != nil {
		return row, notFound(err)
	}
	return row, json.Unmarshal(data, &row.alarm)
}

// Acknowledge implements cloud.AcknowledgementStore. Of two acknowledgements the one whose maker had seen more is kept.
func (s *Store) Acknowledge(ctx context.Context, gateway string, ack isa.Acknowledgement, entries ...audit.Entry) (a cloud.Alarm, err error) {
	err = s.writer.write(ctx, func(c *conn) error {
		row, err := loadAlarm(context.Background(), c, "SELECT id, data FROM alarm WHERE gateway = (SELECT id FROM thing WHERE name = ?) AND name = ?", gateway, ack.Alarm)
		if err != nil {
			return err
		}
		a = row.alarm
		if !a.Waits() || a.Occurrence != ack.Occurrence || ack.Sequence > a.Sequence {
			return fmt.Errorf("it is %s, occurrence %d: %w", a.State, a.Occurrence, cloud.ErrConflict)
		}
		if row.alarm.Pending != nil {
			ack = isa.Latest(ack, *row.alarm.Pending)
		}
		row.alarm.Pending = &ack
		a = row.alarm
		return errors.Join(row.save(c), appendAudit(c, entries...))
	})
	if err != nil {
		return cloud.Alarm{}, fmt.Errorf("acknowledge alarm %s of %s: %w", ack.Alarm, gateway, err)
	}
	return a, nil
}

// Acknowledgements implements cloud.AcknowledgementStore.
func (s *Store) Acknowledgements(ctx context.Context, gateway string) (acks []isa.Acknowledgement, err error) {
	var found []cloud.Alarm
	err = s.readers.read(ctx, func(c *conn) (err error) {
		query := "SELECT id, changed, data FROM alarm WHERE gateway = (SELECT id FROM thing WHERE name = ?) AND pending = 1 ORDER BY id"
		found, err = scanAlarms(ctx, c, query, gateway)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("acknowledgements of %s: %w", gateway, err)
	}
	for _, a := range found {
		acks = append(acks, *a.Pending)
	}
	return acks, nil
}
