package modbus_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// fewest is how many requests read all wanted registers, none of them longer than most and none over a hole.
func fewest(wanted, hole []bool, most int) (n int) {
	for i := 0; i < len(wanted); i++ {
		if !wanted[i] || hole[i] {
			continue
		}
		n++
		last := i
		for j := i; j < len(wanted) && j-i < most && !hole[j]; j++ {
			if wanted[j] {
				last = j
			}
		}
		i = last
	}
	return n
}

// A device with holes in its map and a limit of its own: the plan becomes as good as it can be, and no point waits for that.
func TestAPlanThatPays(t *testing.T) {
	const registers, holes, most = 540, 40, 60
	for _, c := range []struct {
		story  string
		points func(i int, hole bool) bool // whether there is a point at i
		e      modbus.Exception
	}{
		{"500 points with 40 holes between them", func(_ int, hole bool) bool { return !hole }, modbus.IllegalValue},
		{"40 of the points are not there", func(i int, _ bool) bool { return i < 500 }, modbus.IllegalValue},
		{"points lie apart, and some of what is between them is not there", func(i int, hole bool) bool { return !hole && i%3 == 0 }, modbus.IllegalAddress},
		{"the limit is refused like a hole", func(_ int, hole bool) bool { return !hole }, modbus.IllegalAddress},
	} {
		t.Run(c.story, func(t *testing.T) {
			p := newPlant(t, modbus.TCP)
			u := p.sim.Add(1, registers)
			u.Limit(most, c.e)
			d := device(p.connection(), 1)
			rnd := rand.New(rand.NewPCG(7, 11))
			hole, wanted := make([]bool, registers), make([]bool, registers)
			for _, i := range rnd.Perm(registers / 2)[:holes] { // half of the map is in pieces, the other whole
				hole[i] = true
			}
			var specs []*modbus.Point
			var at []int
			for i := range registers {
				a := fmt.Sprintf("hr:%d", i)
				put(t, u, a, uint16(i))
				if hole[i] {
					u.Hole(spec(t, d, a).At, 1)
				}
				if wanted[i] = c.points(i, hole[i]); wanted[i] {
					specs, at = append(specs, spec(t, d, a)), append(at, i)
				}
			}
			a := p.open()
			r := prepare(t, a, points(specs...))
			missed, spent := 0, []int64(nil)
			for range 20 {
				before := u.Requests()
				got, err := read(t, r, len(specs))
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range got {
					switch {
					case hole[at[i]] && s.Quality != telemetry.BadNodeUnknown:
						t.Errorf("hr:%d is not there, and is %v %s", at[i], s.Value, s.Quality)
					case !hole[at[i]] && (s.Quality != telemetry.Good || s.Value != telemetry.Uint64(uint64(at[i]))):
						missed++
					}
				}
				spent = append(spent, u.Requests()-before)
			}
			optimal, last := fewest(wanted, hole, most), spent[len(spent)-1]
			t.Logf("%d points: requests a poll %v; the optimum is %d (%.2f); good points missed in 20 polls: %d", len(specs), spent, optimal, float64(last)/float64(optimal), missed)
			if float64(last) > 1.1*float64(optimal) {
				t.Errorf("%d requests a poll; the optimum is %d", last, optimal)
			}
			if missed > 0 {
				t.Errorf("%d good points were missed", missed)
			}
			recalled(t, p, a, d, specs, last)
		})
	}
}

// recalled opens the connection anew, as after a restart: nothing need be learned again.
func recalled(t *testing.T, p *plant, a adapters.Adapter, d *modbus.Device, specs []*modbus.Point, want int64) {
	t.Helper()
	lessons := a.(adapters.Learner).Lessons()
	if len(lessons["press"]) == 0 || len(a.(adapters.Learner).Lessons()) > 0 {
		t.Fatalf("the lessons are %q, and once told they are no news", lessons)
	}
	_ = a.Close()
	again := p.open()
	again.(adapters.Learner).Recall("press", lessons["press"])
	r := prepare(t, again, points(specs...))
	u := p.sim.Unit(1)
	before := u.Requests()
	if _, err := read(t, r, len(specs)); err != nil {
		t.Error(err)
	}
	if n := u.Requests() - before; n != want {
		t.Errorf("%d requests in the first poll after a restart; want %d as before it", n, want)
	}
	plan, err := d.Plan(points(specs...), lessons["press"])
	if err != nil || len(plan.Requests) != int(want) || !strings.Contains(strings.Join(plan.Facts, "\n"), "it does not have hr:") {
		t.Errorf("%d requests are explained, and %d are made: %v, %v", len(plan.Requests), want, plan.Facts, err)
	}
}

func TestALessonThatMakesNoSenseIsLearnedAnew(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	put(t, p.sim.Add(1, 10), "hr:3", 33)
	for _, lesson := range []string{"", "{", `{"tables":{"hr":{"read":[[-5,70000],[9,3]],"refused":[[0,99999999]],"longest":-1,"too_long":-4}}}`, `{"request_s":-1,"tables":{"xx":{}}}`} {
		a := p.open()
		a.(adapters.Learner).Recall("press", []byte(lesson))
		got, err := read(t, prepare(t, a, points(spec(t, device(p.connection(), 1), "hr:3"))), 1)
		if err != nil || got[0].Value != telemetry.Uint64(33) {
			t.Errorf("%s: %v %s, %v", lesson, got[0].Value, got[0].Quality, err)
		}
		_ = a.Close()
	}
}

// A point that the device lacks is left alone for a while, unless it is the only one: then there is nothing else to ask for.
func TestAMissingPointThatAppearsIsFound(t *testing.T) {
	p := newPlant(t, modbus.TCP)
	u := p.sim.Add(1, 10)
	d := device(p.connection(), 1)
	one, two := spec(t, d, "hr:0"), spec(t, d, "hr:1")
	u.Hole(two.At, 1)
	a := p.open()
	both, alone := prepare(t, a, points(one, two)), prepare(t, a, points(two))
	for range 2 {
		if got, err := read(t, both, 2); err != nil || got[0].Quality != telemetry.Good || got[1].Quality != telemetry.BadNodeUnknown {
			t.Errorf("%v and a hole that is %v, %v", got[0].Quality, got[1].Quality, err)
		}
	}
	before := u.Requests()
	_, _ = read(t, both, 2)
	if n := u.Requests() - before; n != 1 {
		t.Errorf("%d requests; the hole is known", n)
	}
	u.Fill()
	if got, err := read(t, alone, 1); err != nil || got[0].Quality != telemetry.Good {
		t.Errorf("it has come, and is %v, %v", got[0].Quality, err)
	}
	if got, err := read(t, both, 2); err != nil || got[1].Quality != telemetry.Good {
		t.Errorf("it has come, and the other reading finds %v, %v", got[1].Quality, err)
	}
}

func FuzzLesson(f *testing.F) {
	f.Add([]byte(`{"request_s":0.02,"register_s":0.001,"tables":{"hr":{"read":[[0,9],[20,29]],"refused":[[10,10]],"longest":10,"too_long":61}}}`))
	c := &modbus.Connection{Modbus: modbus.TCP, Address: "plc"}
	d := device(c, 1)
	var specs []*modbus.Point
	for i := range 30 {
		specs = append(specs, spec(f, d, fmt.Sprintf("hr:%d", 2*i), typed(modbus.Float32)))
	}
	all := points(specs...)
	f.Fuzz(func(t *testing.T, lesson []byte) {
		plan, err := d.Plan(all, lesson)
		if err != nil {
			return
		}
		n := len(plan.Missing)
		for _, r := range plan.Requests {
			n += len(r.Points)
		}
		if n != len(all) {
			t.Errorf("%d of %d points are in the plan", n, len(all))
		}
	})
}
