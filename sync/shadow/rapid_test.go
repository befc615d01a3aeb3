package shadow_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// trees draws JSON values of few keys and few values, so that they meet.
func trees(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		switch {
		case kind < 3 && depth > 0:
			return objects(depth-1).Draw(t, "object")
		case kind == 3:
			return []any{json.Number("1"), rapid.SampledFrom([]any{json.Number("1"), json.Number("1.0"), "x", true}).Draw(t, "element")}
		}
		return rapid.SampledFrom([]any{json.Number("1"), json.Number("1.0"), json.Number("10e-1"), json.Number("2"), "1", "", true, false}).Draw(t, "leaf")
	})
}

func objects(depth int) *rapid.Generator[shadow.Object] {
	return rapid.Custom(func(t *rapid.T) shadow.Object {
		o := shadow.Object{}
		for _, k := range []string{"a", "b", "c"} {
			if rapid.Bool().Draw(t, k) {
				o[k] = trees(depth).Draw(t, "value of "+k)
			}
		}
		return o
	})
}

func states() *rapid.Generator[shadow.State] {
	return rapid.Custom(func(t *rapid.T) shadow.State {
		return shadow.State{Desired: objects(3).Draw(t, "desired"), Reported: objects(3).Draw(t, "reported")}
	})
}

func documentsOf(version uint64) *rapid.Generator[shadow.Document] {
	return rapid.Custom(func(t *rapid.T) shadow.Document {
		if rapid.IntRange(0, 9).Draw(t, "missing") == 0 {
			return shadow.Document{}
		}
		return shadow.NewDocument(states().Draw(t, "state"), version)
	})
}

// TestDS22_AnySyncConverges: whatever was on the three sides, one message a side makes two of them one, and then none is left
// to send.
func TestDS22_AnySyncConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := shadow.Base{}
		if rapid.Bool().Draw(t, "synced before") {
			d := shadow.NewDocument(states().Draw(t, "base"), 1)
			base = shadow.Merge(base, d, d).Done(0, 0)
		}
		local := documentsOf(rapid.Uint64Range(1, 2).Draw(t, "local version")).Draw(t, "local")
		cloud := documentsOf(rapid.Uint64Range(1, 2).Draw(t, "cloud version")).Draw(t, "cloud")
		wasLocal, wasCloud := local, cloud
		plan := shadow.Merge(base, local, cloud)
		carryOut(t, plan.ToCloud, &cloud)
		carryOut(t, plan.ToLocal, &local)
		if !local.State().Equal(cloud.State()) || !local.State().Equal(plan.Merged) || local.Exists() != cloud.Exists() {
			t.Fatalf("not one:\n%s\n%s", local.Encode(), cloud.Encode())
		}
		again := shadow.Merge(plan.Done(local.Version(), cloud.Version()), local, cloud)
		if again.ToLocal != nil || again.ToCloud != nil || !again.Merged.Equal(plan.Merged) {
			t.Fatalf("not done: %+v", again)
		}
		if plan.Exists && wasLocal.Exists() && wasCloud.Exists() {
			oneSided(t, base.Local.Desired, wasLocal.State().Desired, wasCloud.State().Desired, plan.Merged.Desired, wasCloud.State().Desired)
			oneSided(t, base.Local.Reported, wasLocal.State().Reported, wasCloud.State().Reported, plan.Merged.Reported, wasLocal.State().Reported)
		}
	})
}

// oneSided holds each field at the top against the rule, in other words than Merge's. Objects on both sides merge by their
// fields, which the same rule is about.
func oneSided(t *rapid.T, base, l, c, merged, owner shadow.Object) {
	is := func(a, b shadow.Object, k string) bool {
		x, xok := a[k]
		y, yok := b[k]
		return xok == yok && shadow.Equal(x, y)
	}
	for _, k := range []string{"a", "b", "c"} {
		lo, lok := l[k].(shadow.Object)
		co, cok := c[k].(shadow.Object)
		if lok && cok {
			bo, _ := base[k].(shadow.Object)
			mo, _ := merged[k].(shadow.Object)
			oo, _ := owner[k].(shadow.Object)
			oneSided(t, bo, lo, co, mo, oo)
			continue
		}
		want := owner
		if is(l, base, k) {
			want = c
		} else if is(c, base, k) {
			want = l
		}
		if !is(merged, want, k) {
			t.Fatalf("field %s: base %v, local %v, cloud %v, merged to %v", k, base[k], l[k], c[k], merged[k])
		}
	}
}

// TestStoredFormsComeBack: documents and bases survive being stored, at any place of a sync.
func TestStoredFormsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d shadow.Document
		now := time.Unix(1_700_000_000, 0)
		for i := range rapid.IntRange(0, 5).Draw(t, "updates") {
			s := states().Draw(t, "state")
			carryOut(t, &shadow.Change{Version: d.Version(), State: shadow.Patch{Sent: true, Object: shadow.Object{"desired": s.Desired, "reported": s.Reported}}}, &d)
			if rapid.IntRange(0, 5).Draw(t, fmt.Sprint("delete ", i)) == 0 {
				if _, refused := d.Delete(press, shadow.Request{}, now); refused != nil {
					t.Fatal(refused)
				}
			}
		}
		back, err := shadow.Decode(d.Encode())
		if err != nil || string(back.Encode()) != string(d.Encode()) || !back.State().Equal(d.State()) || back.Exists() != d.Exists() {
			t.Fatalf("%s came back as %s, %v", d.Encode(), back.Encode(), err)
		}
		base := shadow.Merge(shadow.Base{}, d, documentsOf(3).Draw(t, "cloud")).Sending()
		again, err := shadow.DecodeBase(base.Encode())
		if err != nil || string(again.Encode()) != string(base.Encode()) || (again.Sent == nil) != (base.Sent == nil) {
			t.Fatalf("%s came back as %s, %v", base.Encode(), again.Encode(), err)
		}
	})
}
