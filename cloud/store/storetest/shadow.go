package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// desk answers requests for shadows out of the store.
type desk struct {
	*fixture
	id  doc.ID
	now time.Time
}

func (f *fixture) shadow(thing, name string) *desk {
	return &desk{f, doc.ID{Thing: thing, Name: name}, time.Unix(1_700_000_000, 0)}
}

// update carries out a request and gives the version after it. Its error is a *doc.Error where the request was refused.
func (d *desk) update(request string, entries ...audit.Entry) (uint64, error) {
	req, bad := doc.ParseRequest([]byte(request), doc.Limits{})
	if bad != nil {
		return 0, bad
	}
	got, err := d.UpdateShadow(d.t.Context(), d.id, func(stored *doc.Document) ([]audit.Entry, error) {
		if _, bad := stored.Update(req, d.now); bad != nil {
			return nil, bad
		}
		return entries, nil
	})
	return got.Version(), err
}

func (d *desk) delete() {
	d.t.Helper()
	_, err := d.UpdateShadow(d.t.Context(), d.id, func(stored *doc.Document) ([]audit.Entry, error) {
		if _, bad := stored.Delete(d.id, doc.Request{}, d.now); bad != nil {
			return nil, bad
		}
		return nil, nil
	})
	d.must(err)
}

// is fails unless the shadow has this version, and whether it exists.
func (d *desk) is(version uint64, exists bool) doc.Document {
	d.t.Helper()
	got, err := d.Shadow(d.t.Context(), d.id)
	d.must(err)
	if got.Version() != version || got.Exists() != exists {
		d.t.Fatalf("the shadow %v has version %d and exists: %v; want %d, %v", d.id, got.Version(), got.Exists(), version, exists)
	}
	return got
}

// testShadow: what was accepted is there, whoever looks and however often the store was opened again; what was refused leaves no trace.
func testShadow(t *testing.T, open Open) {
	f := start(t, open)
	classic, recipe := f.shadow("press", ""), f.shadow("press", "recipe")
	classic.is(0, false)
	for i := range 3 {
		if version, err := recipe.update(fmt.Sprintf(`{"state":{"desired":{"n%d":%d}}}`, i, i)); err != nil || version != uint64(i+1) {
			t.Fatalf("version %d, %v", version, err)
		}
	}
	var refused *doc.Error
	if _, err := recipe.update(`{"state":{"desired":{"n0":9}},"version":1}`, asked(command("plant7", "01A"))); !errors.As(err, &refused) || refused.Code != 409 {
		t.Errorf("an old version: %v", err)
	}
	before := recipe.is(3, true)
	classic.is(0, false)
	f.verifyAudit(0)
	f.reopen()
	if after := recipe.is(3, true); !reflect.DeepEqual(after.Encode(), before.Encode()) {
		t.Errorf("opened again it is %s, was %s", after.Encode(), before.Encode())
	}

	line := asked(command("plant7", "01A"))
	if _, err := recipe.update(`{"state":{"reported":{"n0":0}}}`, line, line); err != nil {
		t.Fatal(err)
	}
	f.verifyAudit(2)
}

// testShadowDeleted: a deleted shadow isn't listed, and its version goes on.
func testShadowDeleted(t *testing.T, open Open) {
	f := start(t, open)
	d := f.shadow("press", "recipe")
	_, err := d.update(`{"state":{"desired":{"a":1}}}`)
	f.must(err)
	d.delete()
	f.reopen()
	d.is(1, false)
	f.names("press", "", 10)
	if version, err := d.update(`{"state":{"desired":{"a":2}}}`); err != nil || version != 2 {
		t.Errorf("made again: version %d, %v", version, err)
	}
	f.names("press", "", 10, "recipe")
	d.delete()
	for i := range 20 { // a year and more of shadows that come and go
		other := f.shadow("saw", fmt.Sprint("n", i))
		other.now = d.now.Add(time.Duration(i) * 20 * 24 * time.Hour)
		_, err := other.update(`{"state":{"desired":{"a":1}}}`)
		f.must(err)
		other.delete()
	}
	d.is(0, false)
	f.shadow("saw", "n19").is(1, false)
}

// testShadowNames: by name, page by page, of one thing.
func testShadowNames(t *testing.T, open Open) {
	f := start(t, open)
	for _, name := range []string{"", "c", "a", "b", "B", "a:1"} {
		_, err := f.shadow("press", name).update(`{"state":{"desired":{"a":1}}}`)
		f.must(err)
	}
	_, err := f.shadow("press2", "z").update(`{"state":{}}`)
	f.must(err)
	f.names("press", "", 10, "B", "a", "a:1", "b", "c")
	f.names("press", "", 2, "B", "a")
	f.names("press", "a", 2, "a:1", "b")
	f.names("press", "c", 2)
	f.names("nobody", "", 10)
}

func (f *fixture) names(thing, after string, max int, want ...string) {
	f.t.Helper()
	got, err := f.ShadowNames(f.t.Context(), thing, after, max)
	f.must(err)
	if !slices.Equal(got, want) {
		f.t.Errorf("shadows of %s after %q: %v, want %v", thing, after, got, want)
	}
}

// testShadowCrowd: many updates at once that say nothing of versions have a version each; of those made for one
// version, one is accepted.
func testShadowCrowd(t *testing.T, open Open) {
	f := start(t, open)
	d := f.shadow("press", "")
	_, err := d.update(`{"state":{"reported":{"first":true}}}`)
	f.must(err)
	const crowd = 200
	versions := make([]uint64, crowd)
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			var err error
			if versions[i], err = d.update(fmt.Sprintf(`{"state":{"reported":{"k%d":%d}}}`, i%100, i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(versions)
	for i, v := range versions {
		if v != uint64(i+2) {
			t.Fatalf("version %d came in place %d", v, i)
		}
	}
	var accepted sync.Map
	for i := range 20 {
		all.Go(func() {
			if _, err := d.update(fmt.Sprintf(`{"state":{"desired":{"w":%d}},"version":%d}`, i, crowd+1)); err == nil {
				accepted.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	accepted.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d of the updates for one version were accepted", n)
	}
	d.is(crowd+2, true)
	f.reopen()
	d.is(crowd+2, true)
}
