package rule_test

import (
	"strings"
	"testing"
	"time"
)

func TestRowsOfSQLAct(t *testing.T) {
	during(t, `
  - {name: double, sql: "SELECT value * 2 AS value, topic(2) AS name FROM 'press/+' WHERE value > 10", set: shop.double, publish: {topic: "of/${name}"}}
`, func(s *site) {
		s.read("press.oil_temp", 4.5)
		s.want()
		s.read("press.oil_temp", 21.0)
		got := s.hands.told()
		for _, want := range []string{"0s set shop.double=42", `0s publish dt/plant7/of/oil_temp {"value":42,"name":"oil_temp"}`} {
			if !strings.Contains(got, want) {
				t.Errorf("told %s, want %s", got, want)
			}
		}
	})
}

func TestWindowsEndByThemselves(t *testing.T) {
	during(t, `
  - {name: mean, sql: "SELECT avg(value) AS value FROM 'press/oil_temp' GROUP BY TUMBLINGWINDOW(ss, 10)", set: shop.mean}
`, func(s *site) {
		s.wait(time.Second)
		for i := range 5 {
			s.read("press.oil_temp", float64(20+i))
			s.wait(time.Second)
		}
		s.want()
		s.wait(time.Minute)
		s.want("10s set shop.mean=22")
	})
}

func TestAWindowWithoutAGoodValueSetsABadOne(t *testing.T) {
	during(t, `
  - {name: mean, sql: "SELECT avg(value) AS value FROM 'press/oil_temp' GROUP BY TUMBLINGWINDOW(ss, 10)", set: shop.mean}
`, func(s *site) {
		s.read("press.oil_temp", nil)
		s.wait(time.Minute)
		s.want("10s set shop.mean=?bad")
	})
}

func TestAVirtualPointDrivesOtherRules(t *testing.T) {
	during(t, `
  - {name: flag, when: press.oil_temp > 85, set: {shop.hot: true}, end: {set: {shop.hot: false}}}
  - {name: stop, when: shop.hot, write: {press.start: false}, end: {write: {press.start: true}}}
`, func(s *site) {
		s.read("press.oil_temp", 90.0)
		s.want("0s set shop.hot=true", "0s write press.start=false")
		s.read("press.oil_temp", 50.0)
		s.want("0s set shop.hot=false", "0s write press.start=true")
	})
}

func TestRulesThatGoRoundAreStopped(t *testing.T) {
	var log strings.Builder
	during(t, `
  - {name: ping, sql: "SELECT value + 1 AS value FROM 'shop/a'", set: shop.b}
  - {name: pong, sql: "SELECT value + 1 AS value FROM 'shop/b'", set: shop.a}
  - {name: serve, sql: "SELECT value FROM 'press/force'", set: shop.a}
`, func(s *site) {
		s.kill() // so that it logs here
		s.stop()
		s.log = &log
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
		s.start()
		for range 3 {
			s.read("press.force", 1)
			if got := strings.Count(s.hands.told(), "set"); got != 8 {
				t.Errorf("%d sets came of one sample, want 8", got)
			}
		}
		if st := s.engine.Stats(); st[0].Dropped+st[1].Dropped != 3 {
			t.Errorf("%d and %d were dropped, want 3 in all", st[0].Dropped, st[1].Dropped)
		}
		if n := strings.Count(log.String(), "go round"); n != 1 {
			t.Errorf("it was logged %d times, want once: %s", n, log.String())
		}
	})
}

func TestScanIsHurried(t *testing.T) {
	during(t, "  - {name: watch, when: press.running, scan: {points: [press.oil_temp, press.force], rate: 100ms, for: 1m}}", func(s *site) {
		s.read("press.running", true)
		s.want("0s scan 2 points every 100ms for 1m0s")
	})
}

func TestRulesMayBlink(t *testing.T) {
	during(t, `
  - {name: light, when: shop.dark, for: 1s, set: {shop.lit: true}, end: {set: {shop.lit: false}}}
  - {name: dark, when: shop.lit, for: 1s, set: {shop.dark: false}, end: {set: {shop.dark: true}}}
  - {name: begin, when: press.running, set: {shop.dark: true}}
`, func(s *site) {
		s.read("press.running", true)
		s.wait(time.Minute)
		if n := strings.Count(s.hands.told(), "shop.lit=true"); n < 25 || n > 31 {
			t.Errorf("it lit %d times in a minute, want about 30", n)
		}
		for _, st := range s.engine.Stats() {
			if st.Dropped > 0 {
				t.Errorf("%+v", st)
			}
		}
	})
}
