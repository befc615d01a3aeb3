package shadow

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// TestOnOffOnInOneSecond: the cloud tells times in seconds, and each of three values set in one is a setting of its own, also the one that is as the
// first; what is seen again is not.
func TestOnOffOnInOneSecond(t *testing.T) {
	w, d, seen := wishes{}, doc.Document{}, map[string]bool{}
	for i, value := range []int{1, 0, 1, 1, 0} {
		req, bad := doc.ParseRequest(fmt.Appendf(nil, `{"state":{"desired":{"fan":%d}}}`, value), doc.Limits{State: doc.MaxState, Depth: doc.MaxDepth})
		if bad != nil {
			t.Fatal(bad)
		}
		if _, bad = d.Update(req, time.Unix(100, 0)); bad != nil {
			t.Fatal(bad)
		}
		changed := w.merge(d, settings{"fan": "cloud/100"}, func(string) bool { return false })
		if now := w["fan"].Now; changed != (i != 3) || seen[now] != (i == 3) {
			t.Errorf("value %d: changed %v, setting %s, seen %v", i, changed, now, seen)
		}
		seen[w["fan"].Now] = true
	}
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	var back wishes
	if err := json.Unmarshal(text, &back); err != nil || back["fan"] != w["fan"] {
		t.Errorf("on disk it is %s, %v", text, err)
	}
}
