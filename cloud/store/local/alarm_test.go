package local

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// event is one of an alarm that was raised.
func event(name string, sequence uint64) wire.AlarmEvent {
	return wire.AlarmEvent{Thing: "g", Alarm: name, Sequence: sequence, Occurrence: sequence, Kind: "raised", From: "normal", To: "unacknowledged", Severity: "high",
		Time: time.Unix(1_700_000_000, 0).UTC(), Text: "the oil is hot"}
}

// multiply makes n alarms, each with an event, of the one there is, a second after the other.
func multiply(t testing.TB, s *Store, n int) {
	t.Helper()
	if _, _, err := s.AppendAlarms(t.Context(), cloud.AlarmBatch{Gateway: "g", Events: []wire.AlarmEvent{event("a", 1)}}); err != nil {
		t.Fatal(err)
	}
	const count = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
	err := s.writer.write(t.Context(), func(c *conn) error {
		for _, query := range []string{
			count + "INSERT INTO alarm SELECT i, gateway, thing, name || i, view, changed + i * 1000000000, 0, data, NULL FROM n, alarm WHERE id = 1",
			count + "INSERT INTO alarm_event SELECT i, i, gateway, 1, time + i * 1000000000, data FROM n, alarm_event WHERE id = 1",
		} {
			if _, err := c.exec(context.Background(), query, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listAll reads every page of the active alarms, and of all history.
func listAll(t testing.TB, s *Store) (alarms, events int) {
	t.Helper()
	for q := (cloud.AlarmQuery{View: cloud.AlarmsActive, Thing: "g", Max: 1000}); ; {
		page, err := s.Alarms(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if alarms += len(page); len(page) < q.Max {
			break
		}
		q.Before = page[len(page)-1].Place
	}
	for q := (cloud.AlarmQuery{Max: 1000}); ; {
		page, err := s.AlarmHistory(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if events += len(page); len(page) < q.Max {
			return alarms, events
		}
		q.Before = page[len(page)-1].Place
	}
}

// TestListsWalkAnIndex: a page of a list costs the page, whatever there is. BenchmarkListTenThousandAlarms has the figure.
func TestListsWalkAnIndex(t *testing.T) {
	s := start(t)
	multiply(t, s, 2)
	for _, q := range []cloud.AlarmQuery{{}, {Thing: "g"}, {Thing: "g:press"}, {Name: "a"}, {Thing: "g", Name: "a"}, {Thing: "g:press", Name: "a"}} {
		for table, at := range map[string]string{"alarm": "changed", "alarm_event": "time"} {
			var plan []string
			err := s.readers.read(t.Context(), func(c *conn) error {
				f, err := newAlarmFilter(t.Context(), c, q, at)
				if err != nil {
					return err
				}
				query := fmt.Sprintf("EXPLAIN QUERY PLAN SELECT id, %s, data FROM %s WHERE %s ORDER BY %s DESC, id DESC LIMIT 10", at, table, f.where, at)
				return c.each(t.Context(), query, f.args, func(scan func(...any) error) error {
					var id, parent, unused int
					var step string
					err := scan(&id, &parent, &unused, &step)
					plan = append(plan, step)
					return err
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(plan, "; "); strings.Contains(text, "SCAN") {
				t.Errorf("%+v of %s: %s", q, table, text)
			}
		}
	}
}

func BenchmarkListTenThousandAlarms(b *testing.B) {
	s := begin(b)
	multiply(b, s, 10_000)
	for b.Loop() {
		listAll(b, s)
	}
}

// BenchmarkAlarmEvents stores messages of one event each, one after the other: what a gateway whose alarms go first waits for.
func BenchmarkAlarmEvents(b *testing.B) {
	s := begin(b)
	for n := uint64(1); b.Loop(); n++ {
		m := cloud.AlarmBatch{Gateway: "g", Epoch: "E", Seq: n, Events: []wire.AlarmEvent{event(fmt.Sprint("a", n%1000), n)}}
		if _, stored, err := s.AppendAlarms(b.Context(), m); err != nil || !stored {
			b.Fatal(stored, err)
		}
	}
}

func begin(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), b.TempDir(), Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if err := s.CreateThing(b.Context(), cloud.Thing{Name: "g", Kind: cloud.KindGateway}); err != nil {
		b.Fatal(err)
	}
	return s
}
