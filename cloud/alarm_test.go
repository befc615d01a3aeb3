package cloud_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

// gateway plays the one side: a real alarm, every event it has had, and those not delivered yet.
type gateway struct {
	t      *testing.T
	random *rand.Rand
	own    *isa.Alarm
	now    time.Time
	had    []wire.AlarmEvent
	left   []wire.AlarmEvent
}

func (g *gateway) happened(events []isa.Event, err error) {
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range events {
		w := wire.AlarmEvent{Thing: "plant7", Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence, Kind: string(e.Kind), From: string(e.From),
			To: string(e.To), Time: e.Time, Who: wire.AlarmWho(e.Who), Severity: e.Severity.String()}
		g.had, g.left = append(g.had, w), append(g.left, w)
	}
}

// act does something that people, the plant and the clock do.
func (g *gateway) act() {
	g.now = g.now.Add(time.Duration(1+g.random.IntN(5)) * time.Second)
	ben := isa.Who{Name: "ben"}
	switch g.random.IntN(9) {
	case 0, 1:
		g.happened(g.own.Step(g.now, isa.Input{Condition: isa.On, Level: isa.Severity(g.random.IntN(5))}), nil)
	case 2, 3:
		g.happened(g.own.Step(g.now, isa.Input{Condition: isa.Off}), nil)
	case 4:
		g.happened(g.own.Acknowledge(g.now, ben), nil)
	case 5:
		g.happened(g.own.Shelve(g.now, g.now.Add(10*time.Second), ben))
	case 6:
		g.happened(g.own.Unshelve(g.now, ben), nil)
	case 7:
		g.happened(g.own.Suppress(g.now, ben), nil)
	case 8:
		g.happened(g.own.Unsuppress(g.now, ben), nil)
	}
}

// deliver has the cloud take some of what is left, in any order; a store lets no event through twice.
func (g *gateway) deliver(a *cloud.Alarm, n int) {
	g.random.Shuffle(len(g.left), func(i, j int) { g.left[i], g.left[j] = g.left[j], g.left[i] })
	n = min(n, len(g.left))
	for _, e := range g.left[:n] {
		a.Take(e)
	}
	g.left = slices.Clone(g.left[n:])
}

// since is when the occurrence that goes on began.
func (g *gateway) since() (t time.Time) {
	last := g.had[len(g.had)-1]
	for _, e := range g.had {
		if e.Sequence == last.Occurrence && last.To != string(isa.Normal) {
			t = e.Time
		}
	}
	return t
}

// TestAlarmFollowsItsGateway: whatever happens at the gateway, is acknowledged in the cloud and gets lost between them, in the end
// the cloud shows what is; acknowledging what shows always helps; and no acknowledgement stays that the gateway has taken.
func TestAlarmFollowsItsGateway(t *testing.T) {
	for seed := range uint64(300) {
		g := &gateway{t: t, random: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_700_000_000, 0)}
		var err error
		if g.own, err = isa.New("a", isa.Config{Latch: seed%2 == 0, ReAlarm: 20 * time.Second}, g.now); err != nil {
			t.Fatal(err)
		}
		var a cloud.Alarm
		for range 60 {
			g.act()
			if g.random.IntN(3) == 0 {
				g.deliver(&a, g.random.IntN(4))
			}
			if a.Waits() && g.random.IntN(3) == 0 {
				a.Pending = &isa.Acknowledgement{Alarm: "a", Occurrence: a.Occurrence, Sequence: a.Sequence, Time: g.now, Who: isa.Who{Name: "anna"}}
			}
			if a.Pending != nil && g.random.IntN(4) == 0 { // told; the rest is lost
				g.happened(g.own.Apply(g.now, *a.Pending), nil)
			}
		}
		for range 3 { // connected to the end
			g.deliver(&a, len(g.left))
			if a.Pending != nil {
				g.happened(g.own.Apply(g.now, *a.Pending), nil)
			}
		}
		if len(g.had) == 0 {
			continue
		}
		last := g.had[len(g.had)-1]
		if a.State != g.own.State() || a.Sequence != last.Sequence || a.Kind != isa.Kind(last.Kind) || !a.Since.Equal(g.since()) && a.Occurrence != 0 {
			t.Errorf("seed %d: the cloud shows %s since %v, event %d; the alarm is %s since %v, event %d", seed, a.State, a.Since, a.Sequence, g.own.State(), g.since(), last.Sequence)
		}
		if a.Waits() { // whoever acknowledges now has seen everything
			a.Pending = &isa.Acknowledgement{Alarm: "a", Occurrence: a.Occurrence, Sequence: a.Sequence, Time: g.now, Who: isa.Who{Name: "anna"}}
			g.happened(g.own.Apply(g.now, *a.Pending), nil)
			g.deliver(&a, len(g.left))
		}
		if a.Waits() || a.Pending != nil && !a.State.Hidden() {
			t.Errorf("seed %d: %s in the end, and still to be told is %+v", seed, a.State, a.Pending)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, seed := range []string{"", "17.3", "-5.1", ".", "1.", "99999999999999999999.1", fmt.Sprint(cloud.Place{Time: 1, ID: 2})} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := cloud.ParsePlace(text)
		if err != nil || p == (cloud.Place{}) {
			return
		}
		if again, err := cloud.ParsePlace(p.String()); err != nil || again != p {
			t.Errorf("%q is %+v, which is written %q and read as %+v, %v", text, p, p, again, err)
		}
	})
}
