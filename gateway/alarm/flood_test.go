package alarm_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/alarm"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// TestAnAlarmThatFlapsIsFolded: two changes a second for minutes, with a restart every minute. The buffer gets a fraction; every change is
// accounted for, the chain of states has no gap, and what the panel shows is exact. Another alarm is not held up, and an operator's
// acknowledgement is told by itself, at once, behind what came before it.
func TestAnAlarmThatFlapsIsFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plant7(oilHot(isa.Config{}), rule("door", "saw.door", isa.Config{}))
		s := newSite(t, t.TempDir(), cfg, alarm.Options{})
		defer s.close()
		const minutes, each = 3, 120
		acknowledged := 0
		for minute := range minutes {
			s.again(cfg, alarm.Options{})
			s.run(func() {
				for i := range each {
					s.say("oil_hot", isa.Condition(2-i%2), "hot")
					if i == 100 {
						if err := s.Acknowledge("oil_hot", anna); err != nil {
							t.Error(err)
						}
						acknowledged++
					}
					time.Sleep(500 * time.Millisecond)
				}
				s.say("door", isa.Condition(2-minute%2), "open")
			})
		}
		s.run(func() { time.Sleep(10 * time.Minute) })
		var told, door int
		var sum uint64
		state := string(isa.Normal)
		for s.after < s.queue.Stats().Newest {
			for _, e := range s.told(1) {
				if e.Alarm == "door" {
					door++
					continue
				}
				told++
				sum += 1 + e.Merged
				if e.From != state {
					t.Errorf("%d begins at %s, the one before ended at %s", e.Sequence, e.From, state)
				}
				state = e.To
				if e.Who == (wire.AlarmWho(anna)) {
					acknowledged--
					if e.Merged != 0 {
						t.Errorf("the acknowledgement is folded with %d others", e.Merged)
					}
				}
			}
		}
		if want := uint64(minutes*each + minutes); sum != want || told > 30+10*minutes+2*minutes+2 || told < 30 {
			t.Errorf("%d events stand for %d, want %d, in far fewer", told, sum, want)
		}
		if door != minutes || acknowledged != 0 || state != string(isa.Normal) {
			t.Errorf("the other alarm told %d of %d; %d acknowledgements are missing; it ends %s", door, minutes, acknowledged, state)
		}
		t.Logf("%d changes are told in %d events", sum, told)
	})
}

// TestADiskThatRefuses: alarms live on, whoever asks is told, and all is stored and told when there is room again.
func TestADiskThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plant7(oilHot(isa.Config{}))
		s := newSite(t, t.TempDir(), cfg, alarm.Options{})
		defer s.close()
		m := &mortal{db: s.db, queue: s.queue, calls: -1}
		p, err := alarm.New(m, m, cfg, alarm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Panel = p
		s.run(func() {
			m.kill()
			for i := range 5 {
				if err := p.Condition(alarm.Condition{Rule: "oil_hot", Is: isa.Condition(2 - i%2), Text: fmt.Sprint(i), At: time.Now()}); !errors.Is(err, errDead) {
					t.Errorf("a disk that refuses: %v", err)
				}
				time.Sleep(700 * time.Millisecond)
			}
			if err := p.Acknowledge("oil_hot", anna); !errors.Is(err, errDead) || p.List()[0].State != isa.Acknowledged {
				t.Errorf("acknowledged: %v, it is %s", err, p.List()[0].State)
			}
			m.revive()
			time.Sleep(3 * time.Second)
			if err := p.Acknowledge("oil_hot", anna); err != nil {
				t.Errorf("with room again: %v", err)
			}
		})
		if events := s.told(6); len(events) != 6 || events[5].Kind != string(isa.Acked) {
			t.Errorf("told\n%s", story(events))
		}
	})
}

func (m *mortal) revive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = false
}
