package shadow_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// field is one leaf of one section: "desired/o/b".
type field string

var fields = []field{"desired/a", "desired/o/b", "desired/o/c", "desired/list", "reported/a", "reported/o/b", "reported/o/c", "reported/r"}

// absent stands for a field that is not there.
const absent = ""

func (f field) of(s shadow.State) string {
	path := strings.Split(string(f), "/")
	o := map[string]shadow.Object{"desired": s.Desired, "reported": s.Reported}[path[0]]
	for _, key := range path[1 : len(path)-1] {
		o, _ = o[key].(shadow.Object)
	}
	if v, ok := o[path[len(path)-1]]; ok {
		return fmt.Sprint(v)
	}
	return absent
}

// request sets the field. value is JSON.
func (f field) request(value string) []byte {
	path := strings.Split(string(f), "/")
	for i := len(path) - 1; i >= 0; i-- {
		value = `{"` + path[i] + `":` + value + `}`
	}
	return []byte(`{"state":` + value + `}`)
}

// year is a plant's shadow at both ends, and a book of what has to come of every edit.
type year struct {
	*testing.T
	dice         *rand.Rand
	now          time.Time
	n            int // values are never given twice, but when a field is set back
	local, cloud []byte
	base         []byte

	before               map[field]string // when the two were last one
	localBase, cloudBase map[field]string // the same, or what they held when a sync last wrote to the cloud
	arrived              bool             // it wrote to the cloud, and went down before it could store that
	byDevice, byOperator map[field]bool   // edited since

	syncs, conflicts, reboots, inFlight int
}

func (y *year) read() (base shadow.Base, local, cloud shadow.Document) {
	var err [3]error
	base, err[0] = shadow.DecodeBase(y.base)
	local, err[1] = shadow.Decode(y.local)
	cloud, err[2] = shadow.Decode(y.cloud)
	for _, e := range err {
		if e != nil {
			y.Fatal(e)
		}
	}
	return base, local, cloud
}

func (y *year) edit(stored *[]byte, edited map[field]bool) {
	f := fields[y.dice.IntN(len(fields))]
	y.n++
	value := fmt.Sprint(y.n)
	switch y.dice.IntN(8) {
	case 0:
		value = "null"
	case 1:
		if y.before[f] != absent && f != "desired/list" {
			value = y.before[f] // set back
		}
	}
	if f == "desired/list" && value != "null" {
		value = fmt.Sprintf("[%s,7]", value)
	}
	d, err := shadow.Decode(*stored)
	req, refused := shadow.ParseRequest(f.request(value), shadow.Limits{})
	was := f.of(d.State())
	y.now = y.now.Add(time.Duration(1+y.dice.IntN(600)) * time.Second)
	if _, e := d.Update(req, y.now); err != nil || refused != nil || e != nil {
		y.Fatal(err, refused, e)
	}
	*stored = d.Encode()
	if f.of(d.State()) != was {
		edited[f] = true
	}
}

func (y *year) edits() {
	for range y.dice.IntN(4) {
		y.edit(&y.local, y.byDevice)
	}
	for range y.dice.IntN(4) {
		y.edit(&y.cloud, y.byOperator)
	}
}

// sync carries a plan out as Merge says, and goes down at one of its places when down is 1 to 4. It reports whether it came to
// its end.
func (y *year) sync(down int) bool {
	for {
		base, local, cloud := y.read()
		plan := shadow.Merge(base, local, cloud)
		if down == 1 {
			return false
		}
		if plan.ToCloud != nil {
			y.base = plan.Sending().Encode()
			if down == 2 {
				return false
			}
			if y.dice.IntN(10) == 0 {
				y.edit(&y.cloud, y.byOperator) // somebody is quicker
			}
			if !y.toCloud(plan) {
				continue
			}
			if down == 3 {
				y.inFlight++
				return false
			}
		}
		if y.dice.IntN(10) == 0 {
			y.edit(&y.local, y.byDevice)
		}
		if _, now, _ := y.read(); plan.ToLocal != nil && now.Version() != local.Version() {
			y.conflicts++
			continue
		}
		y.finish(plan, local, cloud)
		return true
	}
}

func (y *year) toCloud(plan shadow.Plan) bool {
	_, local, cloud := y.read()
	y.now = y.now.Add(time.Second)
	req, _ := shadow.ParseRequest(plan.ToCloud.Payload(""), shadow.Limits{})
	if _, refused := cloud.Update(req, y.now); refused != nil {
		if refused.Step() != shadow.Reread {
			y.Fatal(refused)
		}
		y.conflicts++
		return false
	}
	y.cloud = cloud.Encode()
	y.arrived, y.byDevice, y.byOperator = true, map[field]bool{}, map[field]bool{}
	for _, f := range fields {
		y.localBase[f], y.cloudBase[f] = f.of(local.State()), f.of(cloud.State())
	}
	return true
}

// finish is the gateway's one transaction: the local document and the base.
func (y *year) finish(plan shadow.Plan, local, cloud shadow.Document) {
	y.syncs++
	_, current, after := y.read()
	y.check(plan.Merged, local.State(), cloud.State())
	edited := map[field]bool{}
	if plan.ToLocal == nil {
		for _, f := range fields { // an edit that came while the cloud answered is one of the next round
			edited[f] = f.of(current.State()) != f.of(plan.Merged)
		}
	}
	carryOut(y, plan.ToLocal, &current)
	y.local, y.base = current.Encode(), plan.Done(0, after.Version()).Encode()
	if plan.ToLocal != nil {
		y.base = plan.Done(current.Version(), after.Version()).Encode()
	}
	y.byDevice, y.byOperator = edited, map[field]bool{}
	for _, f := range fields {
		y.before[f] = f.of(plan.Merged)
		y.localBase[f], y.cloudBase[f] = y.before[f], y.before[f]
	}
	y.arrived = false
	if !after.State().Equal(plan.Merged) || !current.State().Equal(plan.Merged) && plan.ToLocal != nil {
		y.Fatalf("after a sync the edge has %+v\nand the cloud %+v", current.State(), after.State())
	}
}

// check holds the merged state against the book: by field, what the operator wants and what the device reports are not lost.
func (y *year) check(merged, local, cloud shadow.State) {
	for _, f := range fields {
		got, l, c := f.of(merged), f.of(local), f.of(cloud)
		device := y.byDevice[f] && l != y.localBase[f]
		operator := y.byOperator[f] && c != y.cloudBase[f]
		reported := strings.HasPrefix(string(f), "reported")
		unseen := y.localBase[f] != y.cloudBase[f]                 // what the cloud had changed never reached the device: its edit may count as after or beside it
		undone := operator && c == absent && y.before[f] == absent // can't be told from a change that never arrived
		want := got
		switch {
		case device && y.arrived && l == y.before[f]: // set back, which can't be told from never changed if the cloud overwrote all we sent
		case device && (operator && reported || !y.byOperator[f] && (reported || !unseen)):
			want = l
		case operator && !undone && (!device || !reported) && (!reported || !y.arrived):
			want = c
		case !y.byDevice[f] && !y.byOperator[f]:
			want = y.cloudBase[f]
		}
		if got != want {
			y.Fatalf("%s at %v: was %q, device has %q (of %q), cloud has %q (of %q), merged to %q, want %q", f, y.now, y.before[f], l, y.localBase[f], c, y.cloudBase[f], got, want)
		}
	}
}

// TestDS24_AYearApart: 365 days on which the two are together on some only, edits at both ends, 500 reboots at every place of
// a sync.
func TestDS24_AYearApart(t *testing.T) {
	seeds := 6
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			y := &year{T: t, dice: rand.New(rand.NewPCG(uint64(seed), 1)), now: time.Unix(1_700_000_000, 0), before: map[field]string{},
				localBase: map[field]string{}, cloudBase: map[field]string{}, byDevice: map[field]bool{}, byOperator: map[field]bool{}}
			y.local, y.cloud, y.base = shadow.Document{}.Encode(), shadow.Document{}.Encode(), shadow.Base{}.Encode()
			y.edit(&y.local, y.byDevice)
			y.edit(&y.cloud, y.byOperator)
			for day := range 365 {
				y.edits()
				for y.reboots < (day+1)*500/365 {
					y.reboots++
					y.sync(1 + y.dice.IntN(4))
					y.edits()
				}
				if y.dice.IntN(3) == 0 {
					y.sync(0)
				}
			}
			messages := y.syncs
			if y.sync(0); y.syncs != messages+1 {
				t.Error("the year did not end with one sync")
			}
			if y.sync(0); y.reboots != 500 || y.conflicts == 0 || y.inFlight == 0 {
				t.Errorf("%d reboots, %d with an answer on its way, %d conflicts: the year was too quiet", y.reboots, y.inFlight, y.conflicts)
			}
			_, local, cloud := y.read()
			if !local.State().Equal(cloud.State()) && len(y.byDevice) == 0 {
				t.Errorf("the year ends with\n%+v\n%+v", local.State(), cloud.State())
			}
		})
	}
}
