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

// TestRE1_BasicIngest: a thing sends to a rule alone what it could publish otherwise, and nobody subscribes to that.
func TestRE1_BasicIngest(t *testing.T) {
	for topic, publish := range map[string]bool{
		"$aws/rules/hot/dt/plant7/x": true, "$aws/rules/hot/dt/plant7:press/telemetry": true, "$aws/rules/hot/dt/plant8/x": false,
		"$aws/rules/hot": false, "$aws/rules/hot/": false, "$aws/rules/hot/$aws/things/plant7/shadow/update/accepted": false,
	} {
		if got := Allows("plant7", Publish, topic); got != publish {
			t.Errorf("publish %s: %v, want %v", topic, got, publish)
		}
		if Allows("plant7", Subscribe, topic) || Allows("plant7", Receive, topic) {
			t.Errorf("%s may be read", topic)
		}
	}
}

// TestDG18_OnlyTheServerAnswers: a thing may read everything at its home, and publish there what clients publish: its own data, requests
// and responses. An answer that a client could publish would be worth nothing.
func TestDG18_OnlyTheServerAnswers(t *testing.T) {
	for topic, publish := range map[string]bool{
		"$aws/things/plant7/shadow/get":                                true,
		"$aws/things/plant7/shadow/update":                             true,
		"$aws/things/plant7/shadow/delete":                             true,
		"$aws/things/plant7/shadow/name/recipe/get":                    true,
		"$aws/things/plant7/shadow/name/recipe/update":                 true,
		"$aws/things/plant7/shadow/name/recipe/delete":                 true,
		"$aws/things/plant7:press/shadow/name/get/delete":              true,
		"$aws/things/plant7/jobs/get":                                  true,
		"$aws/things/plant7/jobs/start-next":                           true,
		"$aws/things/plant7/jobs/42/update":                            true,
		"$aws/commands/things/plant7/executions/1/response":            true,
		"dt/plant7/alarm":                                              true,
		"dt/plant7/alarm/acknowledged":                                 true,
		"dt/plant7/alarm/acknowledge/x":                                true,
		"$aws/commands/things/plant7/executions/1/response/json":       true,
		"$aws/commands/things/plant7:press/executions/1/response/json": true,

		"$aws/things/plant7/shadow/get/accepted":                     false,
		"$aws/things/plant7/shadow/get/rejected":                     false,
		"$aws/things/plant7/shadow/update/accepted":                  false,
		"$aws/things/plant7/shadow/update/rejected":                  false,
		"$aws/things/plant7/shadow/update/delta":                     false,
		"$aws/things/plant7/shadow/update/documents":                 false,
		"$aws/things/plant7/shadow/delete/accepted":                  false,
		"$aws/things/plant7/shadow/delete/rejected":                  false,
		"$aws/things/plant7/shadow/name/recipe/update/accepted":      false,
		"$aws/things/plant7/shadow/name/recipe/update/delta":         false,
		"$aws/things/plant7:press/shadow/update/delta":               false,
		"$aws/things/plant7/shadow/name/update":                      false,
		"$aws/things/plant7/shadow/name//update":                     false,
		"$aws/things/plant7/shadow/list":                             false,
		"$aws/things/plant7/shadow/":                                 false,
		"$aws/things/plant7/shadow":                                  false,
		"$aws/things/plant7/jobs/notify-next":                        false,
		"$aws/things/plant7/jobs/42/update/accepted":                 false,
		"$aws/things/plant7/anything":                                false,
		"dt/plant7/alarm/acknowledge":                                false,
		"dt/plant7/watch":                                            false,
		"dt/plant7:press/alarm/acknowledge":                          false,
		"$aws/commands/things/plant7/executions/1/request":           false,
		"$aws/commands/things/plant7/executions/1/request/json":      false,
		"$aws/commands/things/plant7/executions/1/response/accepted": false,
		"$aws/commands/things/plant7/executions//response":           false,
		"$aws/commands/things/plant7/executions/1/2/response":        false,
	} {
		if got := Allows("plant7", Publish, topic); got != publish {
			t.Errorf("publish %s: %v, want %v", topic, got, publish)
		}
		for _, action := range []Action{Subscribe, Receive} {
			if !Allows("plant7", action, topic) {
				t.Errorf("%s %s is denied", action, topic)
			}
		}
		for _, action := range []Action{Publish, Subscribe, Receive} {
			if Allows("plant8", action, topic) {
				t.Errorf("%s %s by another thing", action, topic)
			}
		}
	}
	for filter, want := range map[string]bool{
		"$aws/commands/things/plant7/executions/+/request/#":    true,
		"$aws/commands/things/plant7/executions/+/request/json": true,
		"$aws/commands/things/plant8/executions/+/request/json": false,
		"$aws/commands/things/+/executions/+/request/json":      false,
		"$aws/commands/#":                    false,
		"$aws/things/plant7/shadow/update/+": true,
	} {
		if got := Allows("plant7", Subscribe, filter); got != want {
			t.Errorf("subscribe %s: %v, want %v", filter, got, want)
		}
	}
}

// TestDG18_PersonsSayNothingForThings: who administers things may not answer for them, or for the server.
func TestDG18_PersonsSayNothingForThings(t *testing.T) {
	for topic, want := range map[string]bool{
		"plant/anything":                               true,
		"dt/plant7/telemetry":                          true,
		"$aws/things/plant7/shadow/update":             true,
		"$aws/things/plant7/shadow/name/recipe/get":    true,
		"$aws/things/plant7/shadow/update/accepted":    false,
		"$aws/things/plant7/shadow/update/delta":       false,
		"$aws/things/plant7/jobs/42/update":            false,
		"$aws/things//shadow/update":                   false,
		"$aws/commands/things/p/executions/1/response": false,
		"$aws/events/presence/connected/plant7":        false,
		"$SYS/broker":                                  false,
		"dt/plant7/alarm/acknowledge":                  false,
		"dt/plant7/watch":                              false,
		"dt//x":                                        false,
		"":                                             false,
	} {
		if got := AllowsPerson(topic); got != want {
			t.Errorf("%s: %v, want %v", topic, got, want)
		}
	}
}
