package alarm_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/alarm"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// TestR11_AlarmsGoOnAfterAStartWithAClockThatWasAhead: what the clock showed when it was stored lies 72 h ahead, and the delay still has its 10 s.
func TestR11_AlarmsGoOnAfterAStartWithAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plant7(oilHot(isa.Config{OnDelay: 10 * time.Second}))
		ahead := alarm.Options{Now: func() time.Time { return time.Now().Round(0).Add(72 * time.Hour) }}
		s := newSite(t, t.TempDir(), cfg, ahead)
		defer s.close()
		s.run(func() {
			if err := s.Condition(alarm.Condition{Rule: "oil_hot", Is: isa.On, Text: "hot", At: ahead.Now()}); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Second)
		})
		s.again(cfg, alarm.Options{})
		s.run(func() {
			if s.Active() != 0 {
				t.Error("the alarm is there at once")
			}
			time.Sleep(time.Minute)
		})
		if s.Active() != 1 {
			t.Error("the alarm waits until the clock has come round again")
		}
	})
}

// TestR11_EventsBearTheRightTimeWhileTheClockIsSetWrong: the gateway knows by how much it is wrong.
func TestR11_EventsBearTheRightTimeWhileTheClockIsSetWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wrong = 72 * time.Hour
		o := alarm.Options{Now: func() time.Time { return time.Now().Round(0).Add(wrong) }, Ahead: func() time.Duration { return wrong }}
		s := newSite(t, t.TempDir(), plant7(oilHot(isa.Config{OnDelay: 10 * time.Second})), o)
		defer s.close()
		began := time.Now()
		s.run(func() {
			if err := s.Condition(alarm.Condition{Rule: "oil_hot", Is: isa.On, Text: "hot", At: o.Now()}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		})
		events := s.told(1)
		if len(events) != 1 || !events[0].Time.Equal(began.Add(10*time.Second)) {
			t.Errorf("delivered %+v, want one event of 10 s after %v", events, began)
		}
	})
}
