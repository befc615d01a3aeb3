package policy

import "testing"

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		thing, topic string
		publish      bool
		subscribe    bool
	}{
		{"plant7", "dt/plant7/block", true, true},
		{"plant7", "dt/plant7/a/b/c", true, true},
		{"plant7", "$aws/things/plant7/shadow/update", true, true},
		{"plant7", "$aws/things/plant7/jobs/notify-next", true, true},
		{"plant7", "dt/plant7:press/alarm", true, true},
		{"plant7", "$aws/things/plant7:press/shadow/name/recipe/update", true, true},

		// Wildcards below home are no wider than home. (A publish with one never gets this far.)
		{"plant7", "dt/plant7/#", true, true},
		{"plant7", "dt/plant7/+", true, true},
		{"plant7", "$share/workers/dt/plant7/#", false, true},

		// What is somebody else's.
		{"plant7", "dt/plant8/block", false, false},
		{"plant7", "dt/plant77/block", false, false},
		{"plant7", "dt/plant/block", false, false},
		{"plant7:press", "dt/plant7/block", false, false},
		{"plant7:press", "dt/plant7:saw/telemetry", false, false},
		{"plant7", "$aws/things/plant8/shadow/get", false, false},
		{"plant7", "$share/workers/dt/plant8/#", false, false},
		{"plant7", "$SHARE/workers/dt/plant8/#", false, false},

		// Wider than own.
		{"plant7", "#", false, false},
		{"plant7", "+/plant7/block", false, false},
		{"plant7", "dt/#", false, false},
		{"plant7", "dt/+/block", false, false},
		{"plant7", "dt/plant7:+/block", false, false},
		{"plant7", "dt/plant7:#", false, false},
		{"plant7", "$aws/things/+/shadow/update", false, false},
		{"plant7", "$aws/things/#", false, false},
		{"plant7", "$share/workers/#", false, false},
		{"plant7", "$share/workers", false, false},

		// The server's own.
		{"plant7", "$aws/events/presence/connected/plant7", false, false},
		{"plant7", "$aws/rules/r/dt/plant7/block", false, false},
		{"plant7", "$SYS/broker/version", false, false},

		// Odd ones.
		{"plant7", "", false, false},
		{"plant7", "dt", false, false},
		{"plant7", "dt/", false, false},
		{"plant7", "dt/plant7", false, false},
		{"plant7", "dt/plant7/", false, false},
		{"plant7", "dt/plant7:/x", false, false},
		{"plant7", "/dt/plant7/x", false, false},
		{"plant7", "dt//x", false, false},
		{"", "dt//x", false, false},
		{"", "dt/:x/y", false, false},
	} {
		for action, want := range map[Action]bool{Publish: c.publish, Receive: c.publish, Subscribe: c.subscribe} {
			if got := Allows(c.thing, action, c.topic); got != want {
				t.Errorf("%s %s %q: %v, want %v", c.thing, action, c.topic, got, want)
			}
		}
	}
}
