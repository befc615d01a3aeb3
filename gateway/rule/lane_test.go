package rule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAWriteDoesNotWaitForTheCloudOrAProgram(t *testing.T) {
	during(t, `
  - {name: stop, when: press.running, publish: {topic: stopped, payload: "1"}, write: {press.start: false}, end: {write: {press.start: true}, publish: {topic: stopped, payload: "0"}}}
`, func(s *site) {
		s.hands.away = make(chan struct{})
		s.read("press.running", true)
		s.read("press.running", false)
		s.want("0s write press.start=false", "0s write press.start=true")
		close(s.hands.away)
		s.wait(0)
		s.want("0s publish dt/plant7/stopped 1", "0s publish dt/plant7/stopped 0")
	})
}

func TestWritesHaveAPaceAndTheLastValueArrives(t *testing.T) {
	during(t, `
  - {name: follow, sql: "SELECT value FROM 'press/force'", write: {press.speed: "${value}"}}
`, func(s *site) {
		for i := range 1000 { // 100 a second, for 10 s
			s.read("press.force", i)
			s.wait(10 * time.Millisecond)
		}
		s.wait(time.Second)
		told := strings.Split(s.hands.told(), "; ")
		if len(told) < 100 || len(told) > 112 {
			t.Errorf("written %d times in 10 s, want 10 a second", len(told))
		}
		if last := told[len(told)-1]; !strings.HasSuffix(last, "press.speed=999") {
			t.Errorf("the last write is %s, want 999", last)
		}
		if st := s.engine.Stats()[0]; st.Dropped+uint64(len(told)) != 1000 || st.Fired != 1000 {
			t.Errorf("fired %d, written %d, dropped %d", st.Fired, len(told), st.Dropped)
		}
	})
}

func TestWhatWaitsIsBoundedAndTheOldestGivesWay(t *testing.T) {
	during(t, `
  - {name: tell, sql: "SELECT value FROM 'press/force'", publish: {topic: force}}
`, func(s *site) {
		s.hands.away = make(chan struct{})
		for i := range 1500 {
			s.read("press.force", i)
		}
		close(s.hands.away)
		s.wait(0)
		told := strings.Split(s.hands.told(), "; ")
		if len(told) != 1001 || !strings.HasSuffix(told[1000], `{"value":1499}`) { // one was on its way
			t.Errorf("published %d, the last %s", len(told), told[len(told)-1])
		}
		if st := s.engine.Stats()[0]; st.Dropped != 499 {
			t.Errorf("dropped %d, want 499", st.Dropped)
		}
	})
}

func TestARefusedWriteCostsItselfAlone(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, write: {press.start: false, press.speed: 0}}", func(s *site) {
		s.hands.fails = errors.New("outside its range")
		s.read("press.running", true)
		s.want("0s write press.start=false", "0s write press.speed=0")
		if st := s.engine.Stats()[0]; st.Errors != 2 || !strings.Contains(st.LastError, "write press.speed: outside its range") || !st.On {
			t.Errorf("%+v", st)
		}
		s.wait(time.Hour)
		s.want()
	})
}

func TestEveryWriteHasAKeyOfItsOwn(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, write: {press.start: false, press.speed: 0}, end: {write: {press.start: true}}}", func(s *site) {
		for i := range 6 {
			s.read("press.running", i%2 == 0)
		}
		keys := map[string]bool{}
		for _, o := range s.hands.orders {
			keys[o.Key] = true
			if o.Rule != "stop" || o.At.IsZero() || len(o.Key) > 128 {
				t.Errorf("%+v", o)
			}
		}
		if len(keys) != 9 || len(s.hands.orders) != 9 {
			t.Errorf("%d orders have %d keys", len(s.hands.orders), len(keys))
		}
	})
}

func TestMistakesInTemplatesCostTheirActionAlone(t *testing.T) {
	for _, bad := range []string{
		`publish: {topic: "a/${press.force}", payload: x}`, // the force is not known: a topic may not end so, yet this one is "a/"
		`publish: {topic: "${press.force}", payload: x}`,
		`publish: {topic: "${chr(43)}", payload: x}`,
		`set: {shop.x: "${press.oil_temp / 0}"}`,
		`write: {press.speed: "${press.oil_temp / 0}"}`,
	} {
		during(t, fmt.Sprintf("  - {name: bad, when: press.running, %s, scan: {points: [press.oil_temp], rate: 1s, for: 1m}}", bad), func(s *site) {
			s.read("press.oil_temp", 1.0)
			s.read("press.running", true)
			if got := s.hands.told(); !strings.Contains(got, "scan 1 points") {
				t.Errorf("%s: told %q", bad, got)
			}
		})
	}
}
