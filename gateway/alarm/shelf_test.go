package alarm_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/alarm"
	"github.com/penstock-edge/penstock/gateway/state"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// TestAShelfThatIsDamaged: what can't be read costs itself only, the cloud hears that its alarm is over, and no sequence comes twice.
func TestAShelfThatIsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plant7(oilHot(isa.Config{}), rule("door", "saw.door", isa.Config{}))
		s := newSite(t, t.TempDir(), cfg, alarm.Options{})
		defer s.close()
		s.run(func() {
			s.say("oil_hot", isa.On, "hot")
			s.say("door", isa.On, "open")
			synctest.Wait()
		})
		last := s.List()[0].Last.Sequence
		spoil := func(s state.Shelf) error {
			var stored string
			err := s.Each("a/oil_hot", func(_ string, v []byte) error { stored = string(v); return nil })
			return errors.Join(err, s.Put("a/oil_hot", []byte(strings.Replace(stored, `{"format":1`, `{"format":9`, 1))), s.Put("a/nothing", []byte("{")), s.Put("e/00ff", []byte("{}")), s.Put("e/xx", nil))
		}
		if err := s.db.Update("alarms", spoil); err != nil {
			t.Fatal(err)
		}
		s.again(cfg, alarm.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }}) // and the clock was set back
		s.run(func() {
			s.say("oil_hot", isa.On, "hot again")
			s.say("door", isa.Off, "")
			synctest.Wait()
		})
		events := s.told(5)
		if got, want := story(events), strings.Join([]string{"plant7:press raised: normal -> unacknowledged, medium, hot", "plant7:saw raised: normal -> unacknowledged, medium, open",
			"plant7:press retired: unacknowledged -> normal, medium, hot", "plant7:press raised: normal -> unacknowledged, medium, hot again", "plant7:saw cleared: unacknowledged -> normal, medium, open"}, "\n"); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
		if events[2].Sequence != last+1 || events[3].Sequence <= last+1 {
			t.Errorf("sequences %d and %d follow %d", events[2].Sequence, events[3].Sequence, last)
		}
	})
}
