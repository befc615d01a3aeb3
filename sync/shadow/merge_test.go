package shadow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// synced is the base after both sides held this state, at version 1.
func synced(t *testing.T, state string) shadow.Base {
	d := document(t, state)
	return shadow.Merge(shadow.Base{}, d, d).Done(0, 0)
}

// edited is a document of that state which was changed once more than synced's.
func edited(t *testing.T, state string) shadow.Document {
	return shadow.NewDocument(document(t, state).State(), 2)
}

func TestDS22_ThreeWayMerge(t *testing.T) {
	for _, s := range []struct{ story, base, local, cloud, merged string }{
		{"reported: both changed, local wins", `{"reported":{"a":1}}`, `{"reported":{"a":2}}`, `{"reported":{"a":3}}`, `{"reported":{"a":2}}`},
		{"desired: both changed, cloud wins", `{"desired":{"a":1}}`, `{"desired":{"a":2}}`, `{"desired":{"a":3}}`, `{"desired":{"a":3}}`},
		{"one-sided changes win", `{"desired":{"a":1,"b":1},"reported":{"a":1,"b":1}}`, `{"desired":{"a":2,"b":1},"reported":{"a":2,"b":1}}`,
			`{"desired":{"a":1,"b":2},"reported":{"a":1,"b":2}}`, `{"desired":{"a":2,"b":2},"reported":{"a":2,"b":2}}`},
		{"deep in an object", `{"desired":{"o":{"a":1,"b":1}}}`, `{"desired":{"o":{"a":2,"b":1}}}`, `{"desired":{"o":{"a":1,"b":3,"c":4}}}`, `{"desired":{"o":{"a":2,"b":3,"c":4}}}`},
		{"a deletion is a change", `{"desired":{"a":1,"b":1}}`, `{"desired":{"b":1}}`, `{"desired":{"a":1}}`, `{}`},
		{"reported: deleted here, changed there", `{"reported":{"a":1,"b":1}}`, `{"reported":{"b":1}}`, `{"reported":{"a":2,"b":1}}`, `{"reported":{"b":1}}`},
		{"desired: deleted here, changed there", `{"desired":{"a":1,"b":1}}`, `{"desired":{"b":1}}`, `{"desired":{"a":2,"b":1}}`, `{"desired":{"a":2,"b":1}}`},
		{"desired: changed here, deleted there", `{"desired":{"a":1,"b":1}}`, `{"desired":{"a":2,"b":1}}`, `{"desired":{"b":1}}`, `{"desired":{"b":1}}`},
		{"arrays are one field", `{"reported":{"a":[1,2]},"desired":{"a":[1,2]}}`, `{"reported":{"a":[1,3]},"desired":{"a":[1,3]}}`,
			`{"reported":{"a":[0,2]},"desired":{"a":[0,2]}}`, `{"reported":{"a":[1,3]},"desired":{"a":[0,2]}}`},
		{"1 is 1.0", `{"desired":{"a":1},"reported":{"a":1}}`, `{"desired":{"a":1.0},"reported":{"a":2}}`, `{"desired":{"a":7},"reported":{"a":10e-1}}`, `{"desired":{"a":7},"reported":{"a":2}}`},
		{"the same on both sides", `{"desired":{"a":1}}`, `{"desired":{"a":2}}`, `{"desired":{"a":2.0}}`, `{"desired":{"a":2}}`},
		{"an object against a scalar", `{"reported":{"a":1},"desired":{"a":1}}`, `{"reported":{"a":{"x":1}},"desired":{"a":{"x":1}}}`, `{"reported":{"a":5},"desired":{"a":5}}`, `{"reported":{"a":{"x":1}},"desired":{"a":5}}`},
		{"a section cleared there", `{"desired":{"a":1},"reported":{"r":1}}`, `{"desired":{"a":1},"reported":{"r":2}}`, `{"reported":{"r":1}}`, `{"reported":{"r":2}}`},
	} {
		t.Run(s.story, func(t *testing.T) {
			local, cloud := edited(t, s.local), edited(t, s.cloud)
			plan := shadow.Merge(synced(t, s.base), local, cloud)
			if want := document(t, s.merged).State(); !plan.Merged.Equal(want) {
				t.Errorf("merged to %+v, want %s", plan.Merged, s.merged)
			}
			carryOut(t, plan.ToLocal, &local)
			carryOut(t, plan.ToCloud, &cloud)
			if !local.State().Equal(plan.Merged) || !cloud.State().Equal(plan.Merged) {
				t.Errorf("local is %+v\ncloud is %+v\nnot    %+v", local.State(), cloud.State(), plan.Merged)
			}
			again := shadow.Merge(plan.Done(local.Version(), cloud.Version()), local, cloud)
			if again.ToLocal != nil || again.ToCloud != nil {
				t.Errorf("in step, and still something to send: %+v %+v", again.ToLocal, again.ToCloud)
			}
		})
	}
}

// carryOut does to a document what its side would, given the message.
func carryOut(t interface{ Fatalf(string, ...any) }, c *shadow.Change, d *shadow.Document) {
	if c == nil {
		return
	}
	if refused := send(c, d); refused != nil {
		t.Fatalf("%s was refused: %v", c.Payload(""), refused)
	}
}

func send(c *shadow.Change, d *shadow.Document) *shadow.Error {
	limits, now := shadow.Limits{State: shadow.MaxState}, time.Unix(1_700_000_500, 0)
	if c.Delete {
		req, refused := shadow.ParseQuery(c.Payload("sync"), limits)
		if refused == nil {
			_, refused = d.Delete(press, req, now)
		}
		return refused
	}
	req, refused := shadow.ParseRequest(c.Payload("sync"), limits)
	if refused == nil {
		_, refused = d.Update(req, now)
	}
	return refused
}

func TestDS22_FirstSyncOfTwoShadowsKeepsBoth(t *testing.T) {
	local, cloud := document(t, `{"desired":{"a":1,"l":1},"reported":{"a":1,"l":1}}`), document(t, `{"desired":{"a":2,"c":1},"reported":{"a":2,"c":1}}`)
	plan := shadow.Merge(shadow.Base{}, local, cloud)
	want := document(t, `{"desired":{"a":2,"l":1,"c":1},"reported":{"a":1,"l":1,"c":1}}`)
	if !plan.Merged.Equal(want.State()) {
		t.Errorf("merged to %+v", plan.Merged)
	}
}

func TestDS23_OneSideMissing(t *testing.T) {
	gone, there := shadow.Document{}, document(t, `{"desired":{"a":1}}`)
	changed := edited(t, `{"desired":{"a":2}}`)
	touched := edited(t, `{"desired":{"a":1}}`)
	never, base := shadow.Base{}, synced(t, `{"desired":{"a":1}}`)
	const nothing, create, remove = "nothing", "create", "delete"
	for _, s := range []struct {
		story            string
		base             shadow.Base
		local, cloud     shadow.Document
		toLocal, toCloud string
	}{
		{"first sync, made at the edge", never, there, gone, nothing, create},
		{"first sync, made in the cloud", never, gone, there, create, nothing},
		{"nowhere", never, gone, gone, nothing, nothing},
		{"deleted in the cloud", base, there, gone, remove, nothing},
		{"deleted at the edge", base, gone, there, nothing, remove},
		{"deleted on both sides", base, gone, gone, nothing, nothing},
		{"deleted in the cloud, changed here since", base, changed, gone, nothing, create},
		{"deleted in the cloud, reported again here since", base, touched, gone, nothing, create},
		{"deleted at the edge, changed there since", base, gone, changed, create, nothing},
		{"nothing happened", base, there, there, nothing, nothing},
	} {
		t.Run(s.story, func(t *testing.T) {
			plan := shadow.Merge(s.base, s.local, s.cloud)
			if got := name(plan.ToLocal); got != s.toLocal {
				t.Errorf("to the edge: %s, want %s", got, s.toLocal)
			}
			if got := name(plan.ToCloud); got != s.toCloud {
				t.Errorf("to the cloud: %s, want %s", got, s.toCloud)
			}
			local, cloud := s.local, s.cloud
			carryOut(t, plan.ToLocal, &local)
			carryOut(t, plan.ToCloud, &cloud)
			if local.Exists() != plan.Exists || cloud.Exists() != plan.Exists {
				t.Errorf("exists at the edge: %t, in the cloud: %t, as planned: %t", local.Exists(), cloud.Exists(), plan.Exists)
			}
			if again := shadow.Merge(plan.Done(local.Version(), cloud.Version()), local, cloud); again.ToLocal != nil || again.ToCloud != nil {
				t.Error("in step, and still something to send")
			}
		})
	}
}

func name(c *shadow.Change) string {
	switch {
	case c == nil:
		return "nothing"
	case c.Delete:
		return "delete"
	case c.Version == 0:
		return "create"
	}
	return "update"
}

func TestDS23_VersionThatComesAgainIsNotTakenForTheOldShadow(t *testing.T) {
	base := synced(t, `{"desired":{"a":1}}`)
	plan := shadow.Merge(base, shadow.Document{}, document(t, `{"desired":{"a":5}}`)) // version 1 again, made anew
	if name(plan.ToLocal) != "create" || plan.ToCloud != nil {
		t.Errorf("to the edge: %s, to the cloud: %s", name(plan.ToLocal), name(plan.ToCloud))
	}
}

func TestDS21_Directions(t *testing.T) {
	base := synced(t, `{"desired":{"a":1}}`)
	local, cloud, gone := edited(t, `{"desired":{"a":2}}`), edited(t, `{"desired":{"a":3}}`), shadow.Document{}
	for _, s := range []struct {
		direction        shadow.Direction
		base             shadow.Base
		local, cloud     shadow.Document
		toLocal, toCloud string
	}{
		{shadow.BothWays, base, local, cloud, "update", "nothing"},
		{shadow.DeviceToCloud, base, local, cloud, "nothing", "update"},
		{shadow.CloudToDevice, base, local, cloud, "update", "nothing"},
		{shadow.DeviceToCloud, base, gone, cloud, "nothing", "delete"},
		{shadow.DeviceToCloud, shadow.Base{}, gone, cloud, "nothing", "nothing"},
		{shadow.DeviceToCloud, base, local, gone, "nothing", "create"},
		{shadow.CloudToDevice, base, local, gone, "delete", "nothing"},
		{shadow.CloudToDevice, shadow.Base{}, local, gone, "nothing", "nothing"},
	} {
		plan := s.direction.Merge(s.base, s.local, s.cloud)
		if name(plan.ToLocal) != s.toLocal || name(plan.ToCloud) != s.toCloud {
			t.Errorf("%s: to the edge %s, want %s; to the cloud %s, want %s", s.direction, name(plan.ToLocal), s.toLocal, name(plan.ToCloud), s.toCloud)
		}
	}
	if _, err := shadow.ParseDirection("upwards"); err == nil {
		t.Error("upwards is a direction")
	}
}

func TestDS21_DefaultsAndMistakes(t *testing.T) {
	s := shadow.Sync{}.Full()
	if err := s.Validate(); err != nil || s.Direction != shadow.BothWays || s.Every != 0 || s.Outbound != 100 || s.Thing != 20 || s.Local != 200 || s.Limits.State != 8192 {
		t.Errorf("%+v, %v", s, err)
	}
	wrong := shadow.Sync{Direction: "x", Every: -1, Outbound: -1, Limits: shadow.Limits{State: -1}}
	joined, ok := wrong.Validate().(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) < 2 {
		t.Errorf("%+v: %v", wrong, wrong.Validate())
	}
}

func TestDS24_ManyChangesAreOneMessageASide(t *testing.T) {
	base := synced(t, `{"desired":{"n":0},"reported":{"n":0}}`)
	local, cloud := edited(t, `{"desired":{"n":0},"reported":{"n":0}}`), edited(t, `{"desired":{"n":0},"reported":{"n":0}}`)
	for i := range 1000 {
		carryOut(t, &shadow.Change{Version: local.Version(), State: patch(t, "reported", i)}, &local)
		carryOut(t, &shadow.Change{Version: cloud.Version(), State: patch(t, "desired", i)}, &cloud)
	}
	stored, err := shadow.DecodeBase(base.Encode()) // a restart of the edge
	if err != nil {
		t.Fatal(err)
	}
	plan := shadow.Merge(stored, local, cloud)
	if name(plan.ToLocal) != "update" || name(plan.ToCloud) != "update" {
		t.Fatalf("to the edge: %s, to the cloud: %s", name(plan.ToLocal), name(plan.ToCloud))
	}
	carryOut(t, plan.ToLocal, &local)
	carryOut(t, plan.ToCloud, &cloud)
	if !local.State().Equal(cloud.State()) {
		t.Errorf("%+v\n%+v", local.State(), cloud.State())
	}
}

func patch(t *testing.T, section string, n int) shadow.Patch {
	req, refused := shadow.ParseRequest(fmt.Appendf(nil, `{"state":{"%s":{"k%d":%d,"n":%d}}}`, section, n%20, n, n), shadow.Limits{})
	if refused != nil {
		t.Fatal(refused)
	}
	return req.State
}

func TestDS25_RefusalsDuringASync(t *testing.T) {
	for code, want := range map[int]shadow.Step{409: shadow.Reread, 429: shadow.Retry, 500: shadow.Retry, 503: shadow.Retry, 400: shadow.GiveUp, 403: shadow.GiveUp, 413: shadow.GiveUp} {
		if got := (&shadow.Error{Code: code}).Step(); got != want {
			t.Errorf("%d leads to step %d, want %d", code, got, want)
		}
	}
	for n := range 70 {
		least, most := shadow.Backoff(n, 0), shadow.Backoff(n, 1)
		if least < time.Second/2 || most > 5*time.Minute || most < 2*least || n > 0 && most < shadow.Backoff(n-1, 1) {
			t.Errorf("try %d waits %v to %v", n, least, most)
		}
	}
}

func TestDS25_ConflictThenMergeAgain(t *testing.T) {
	base := synced(t, `{"desired":{"a":1},"reported":{"a":1}}`)
	local, cloud := edited(t, `{"desired":{"a":1},"reported":{"a":2}}`), edited(t, `{"desired":{"a":1},"reported":{"a":1}}`)
	plan := shadow.Merge(base, local, cloud)
	base = plan.Sending()
	carryOut(t, &shadow.Change{Version: cloud.Version(), State: patch(t, "desired", 5)}, &cloud) // somebody was quicker
	if refused := send(plan.ToCloud, &cloud); refused == nil || refused.Step() != shadow.Reread {
		t.Fatalf("sent over a newer version: %v", refused)
	}
	plan = shadow.Merge(base, local, cloud)
	carryOut(t, plan.ToCloud, &cloud)
	carryOut(t, plan.ToLocal, &local)
	if want := document(t, `{"desired":{"a":1,"k5":5,"n":5},"reported":{"a":2}}`).State(); !cloud.State().Equal(want) || !local.State().Equal(want) {
		t.Errorf("local %+v\ncloud %+v", local.State(), cloud.State())
	}
}

// TestDS24_CrashAfterTheCloudAccepted: our own change must not be taken for the cloud's, nor the cloud's next one for ours.
func TestDS24_CrashAfterTheCloudAccepted(t *testing.T) {
	base := synced(t, `{"desired":{"a":1},"reported":{"a":1}}`)
	local, cloud := edited(t, `{"desired":{"a":2},"reported":{"a":2}}`), edited(t, `{"desired":{"a":1},"reported":{"a":1}}`)
	plan := shadow.Merge(base, local, cloud)
	stored := plan.Sending().Encode()
	carryOut(t, plan.ToCloud, &cloud)
	// the gateway goes down here; then somebody sets it back, and the device reports its old value again
	carryOut(t, update(t, cloud, `{"desired":{"a":1}}`), &cloud)
	carryOut(t, update(t, local, `{"reported":{"a":1}}`), &local)
	base, err := shadow.DecodeBase(stored)
	if err != nil {
		t.Fatal(err)
	}
	plan = shadow.Merge(base, local, cloud)
	if want := document(t, `{"desired":{"a":1},"reported":{"a":1}}`).State(); !plan.Merged.Equal(want) {
		t.Errorf("merged to %+v, want %+v", plan.Merged, want)
	}
}

func update(t *testing.T, d shadow.Document, state string) *shadow.Change {
	req, refused := shadow.ParseRequest([]byte(`{"state":`+state+`}`), shadow.Limits{})
	if refused != nil {
		t.Fatal(refused)
	}
	return &shadow.Change{Version: d.Version(), State: req.State}
}
