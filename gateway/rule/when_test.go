package rule_test

import (
	"testing"
	"time"
)

const oilHot = `
  - name: oil_hot
    when: press.oil_temp > 85
    for: 10s
    until: press.oil_temp < 80
    alarm: {severity: high, text: "Oil ${press.oil_temp}"}
    write: {press.start: false}
    end: {write: {press.start: true}}
`

func TestARuleComesOnAfterItsDelayAndGoesOffAtItsOwnLimit(t *testing.T) {
	during(t, oilHot, func(s *site) {
		s.read("press.oil_temp", 70.0)
		s.want(`0s alarm oil_hot false "Oil 70"`)
		s.read("press.oil_temp", 86.0)
		s.wait(9 * time.Second)
		s.read("press.oil_temp", 84.0) // a break: the delay begins anew
		s.read("press.oil_temp", 87.0)
		s.wait(9999 * time.Millisecond)
		s.want()
		s.wait(time.Millisecond)
		s.hands.wantBoth(t, "19s", `alarm oil_hot true "Oil 87"`, "write press.start=false")
		s.read("press.oil_temp", 81.0) // below 85, above 80
		s.read("press.oil_temp", 86.0)
		s.want()
		s.read("press.oil_temp", 79.5)
		s.hands.wantBoth(t, "19s", `alarm oil_hot false "Oil 79.5"`, "write press.start=true")
	})
}

// wantBoth: lanes do not wait for each other, so either may be first.
func (h *hands) wantBoth(t *testing.T, at, a, b string) {
	t.Helper()
	got := h.told()
	if got != at+" "+a+"; "+at+" "+b && got != at+" "+b+"; "+at+" "+a {
		t.Errorf("the hands were told\n  %s\nwant, at %s\n  %s; %s", got, at, a, b)
	}
}

func TestWhatIsNotKnownChangesNothingAndDelaysRunOn(t *testing.T) {
	during(t, "  - {name: hot, when: press.oil_temp > 85, for: 10s, write: {press.start: false}, end: {write: {press.start: true}}}", func(s *site) {
		s.read("press.oil_temp", 90.0)
		s.wait(5 * time.Second)
		s.read("press.oil_temp", nil)
		s.wait(5 * time.Second)
		s.want("10s write press.start=false")
		s.read("press.oil_temp", nil)
		s.wait(time.Hour)
		s.want()
		s.read("press.oil_temp", 20.0)
		s.want("1h0m10s write press.start=true")
	})
}

func TestARuleActsAgainWhileItIsOn(t *testing.T) {
	during(t, "  - {name: horn, when: press.running, every: 30s, publish: {topic: horn, payload: \"${press.oil_temp}\"}}", func(s *site) {
		s.read("press.oil_temp", 50.5)
		s.read("press.running", true)
		s.want("0s publish dt/plant7/horn 50.5")
		s.wait(31 * time.Second)
		s.want("30s publish dt/plant7/horn 50.5")
		s.read("press.running", false)
		s.wait(time.Hour)
		s.want()
	})
}

func TestOneDeadSensorDoesNotKeepTheOtherFromActing(t *testing.T) {
	during(t, "  - {name: stop, when: press.oil_temp > 85 OR press.force > 2000, write: {press.start: false}}", func(s *site) {
		s.read("press.oil_temp", nil)
		s.read("press.force", 2100.0)
		s.want("0s write press.start=false")
	})
}

func TestValuesAreAsNarrowAsTheyCanBe(t *testing.T) {
	for text, want := range map[string]string{
		`"${press.oil_temp}"`: "70.5", `"${press.oil_temp * 2}"`: "141", "20.5": "20.5", "7": "7", `"on"`: "true",
		`"${press.running}"`: "true", `"${press.force}0"`: "", `"${press.force}"`: "",
	} {
		during(t, "  - {name: follow, when: press.running, write: {press.speed: "+text+"}}", func(s *site) {
			s.read("press.oil_temp", 70.5)
			s.read("press.running", true)
			if want == "" { // the force is not known: nothing is written, and that is counted
				s.want()
				if st := s.engine.Stats()[0]; st.Errors != 1 {
					t.Errorf("%s: %d errors, want 1: %s", text, st.Errors, st.LastError)
				}
				return
			}
			s.want("0s write press.speed=" + want)
		})
	}
}
