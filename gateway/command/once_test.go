package command_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestTheSameKeyGivesTheSameResultAndNoSecondWrite(t *testing.T) {
	p := newPlant(t)
	o := cloud("setpoint", telemetry.Float64(25))
	first := p.desk.Do(t.Context(), o)
	p.set(setpoint, telemetry.Float64(22))
	again := p.desk.Do(t.Context(), o)
	p.open(t)
	p.wait(time.Hour) // long expired, and done all the same
	restarted := p.desk.Do(t.Context(), o)
	if first.State != command.Done || first.Repeated {
		t.Fatalf("%+v", first)
	}
	for _, r := range []command.Result{again, restarted} {
		if r.State != command.Done || !r.Repeated || r.Sample.Value != telemetry.Int64(25) && r.Sample.Value != telemetry.Float64(25) {
			t.Errorf("%+v", r)
		}
	}
	if p.count(setpoint) != 1 {
		t.Errorf("written %d times", p.count(setpoint))
	}
	o.Value = telemetry.Float64(26)
	if r := p.desk.Do(t.Context(), o); r.Code != command.Duplicate || !strings.Contains(r.Reason, "a key of its own") {
		t.Errorf("%+v", r)
	}
	o.Channel = command.Local // another channel's keys are others
	o.Issued = time.Time{}
	if r := p.desk.Do(t.Context(), o); r.State != command.Done {
		t.Errorf("%+v", r)
	}
}

func TestARefusalIsGivenAgainToo(t *testing.T) {
	p := newPlant(t)
	p.set(lid, telemetry.Bool(false))
	o := cloud("start", telemetry.Bool(true))
	p.desk.Do(t.Context(), o)
	p.set(lid, telemetry.Bool(true))
	if r := p.desk.Do(t.Context(), o); r.Code != command.Interlock || !r.Repeated {
		t.Errorf("the cloud was told no, and then: %+v", r)
	}
}

func TestTwoAtTheSameMomentAreOne(t *testing.T) {
	p := newPlant(t)
	o := cloud("setpoint", telemetry.Float64(25))
	var all sync.WaitGroup
	var firsts atomic.Int32
	for range 50 {
		all.Go(func() {
			r := p.desk.Do(t.Context(), o)
			if r.State != command.Done {
				t.Errorf("%+v", r)
			}
			if !r.Repeated {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if firsts.Load() != 1 || p.count(setpoint) != 1 {
		t.Errorf("%d were the first, written %d times", firsts.Load(), p.count(setpoint))
	}
}

func TestWhoAsksAgainDuringTheWriteIsToldThatItIsOnItsWay(t *testing.T) {
	p := newPlant(t)
	hold, begun := make(chan struct{}), make(chan struct{})
	p.before = func(telemetry.PointID, telemetry.Value) { close(begun); <-hold }
	o := cloud("setpoint", telemetry.Float64(25))
	end := make(chan command.Result)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { end <- p.desk.Do(ctx, o) }()
	<-begun
	cancel() // nobody waits any longer; the write goes on
	if r := p.desk.Do(ctx, o); r.State != command.Waiting || r.Code != command.OnItsWay {
		t.Errorf("%+v", r)
	}
	close(hold)
	if r := <-end; r.State != command.Done {
		t.Errorf("%+v", r)
	}
}

// failing is a disk that refuses from a moment on: for the process it is the end.
type failing struct {
	*state.DB
	left atomic.Int64 // updates until then
	lost bool         // the last one is on disk, and the process does not get to know
}

var errDisk = errors.New("no space left on device")

func (f *failing) Update(room string, change func(state.Shelf) error) error {
	left := f.left.Add(-1)
	if left < 0 && (left < -1 || !f.lost) {
		return errDisk
	}
	err := f.DB.Update(room, change)
	if left < 0 {
		return errDisk
	}
	return err
}

func TestADiskThatRefusesTheOrderStopsTheWrite(t *testing.T) {
	p := newPlant(t)
	disk := &failing{DB: p.db}
	desk, log := p.on(t, disk)
	o := cloud("setpoint", telemetry.Float64(25))
	if r := desk.Do(t.Context(), o); r.Code != command.NoStore || !strings.Contains(r.Reason, "no space left") || p.count(setpoint) != 0 {
		t.Fatalf("%+v, %d writes", r, p.count(setpoint))
	}
	disk.left.Store(1) // the order, and not what came of it
	if r := desk.Do(t.Context(), o); r.State != command.Done || p.count(setpoint) != 1 {
		t.Fatalf("%+v, %d writes", r, p.count(setpoint))
	}
	if r := desk.Do(t.Context(), o); r.State != command.Done || !r.Repeated || p.count(setpoint) != 1 {
		t.Errorf("%+v, %d writes", r, p.count(setpoint))
	}
	disk.left.Store(1000)
	if r := desk.Do(t.Context(), anna("count", "8")); r.State != command.Done {
		t.Errorf("%+v", r)
	}
	if err := log.Verify(); err != nil {
		t.Error(err)
	}
	p.open(t)
	if got := p.tale(t); !strings.Contains(got, "otto@example.com done press.setpoint=25") {
		t.Errorf("what could not be written was not written later:\n%s", got)
	}
}

// on makes a desk on another store, for the same press.
func (p *plant) on(t testing.TB, s command.Store) (*command.Desk, *command.Log) {
	t.Helper()
	log, err := command.OpenLogOn(s)
	if err != nil {
		t.Fatal(err)
	}
	desk, err := command.New(log, p.site(press()), command.Options{Now: p.clock, Settle: 20 * time.Millisecond, Resume: 40 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return desk, log
}

// TestAThousandCommandsHappenOnce: commands that come twice, again, too late, or while the process ends at any step. No value is written
// twice, and none is called done that the press does not hold.
func TestAThousandCommandsHappenOnce(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	random := rand.New(rand.NewPCG(3, 14))
	type told struct {
		o command.Order
		r command.Result
	}
	finals := map[string]command.Result{}
	var mu sync.Mutex
	tell := func(all []told) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range all {
			before, known := finals[a.o.Key]
			if a.r.State == command.Waiting || a.r.Code == command.NoStore || a.r.Unsaved {
				continue
			}
			if known && (before.State != a.r.State || before.Code != a.r.Code) {
				t.Errorf("%s was %s %s and then %s %s", a.o.Key, before.State, before.Code, a.r.State, a.r.Code)
			}
			finals[a.o.Key] = a.r
		}
	}
	const lives, commands = 10, 100
	order := func(value int64) command.Order {
		o := command.Order{Point: fmt.Sprint("press.heater", value%many), Value: telemetry.Int64(value), Who: "otto", Channel: command.Command, Key: fmt.Sprint("x", value), Issued: noon}
		if value%7 == 3 {
			o.Expires = noon.Add(-time.Second)
		}
		return o
	}
	for life := range lives {
		disk := &failing{DB: p.db, lost: random.IntN(2) == 0}
		disk.left.Store(1 + random.Int64N(25))
		desk, _ := p.on(t, disk)
		var all sync.WaitGroup
		for i := range commands {
			o := order(int64(1000 + life*commands + i))
			all.Go(func() {
				var twice sync.WaitGroup
				for range 2 {
					twice.Go(func() { tell([]told{{o, desk.Do(t.Context(), o)}}) })
				}
				twice.Wait()
				tell([]told{{o, desk.Do(t.Context(), o)}})
			})
		}
		all.Wait()
	}
	p.wait(10 * time.Second)
	p.open(t)
	p.run(t)
	done := 0
	for value := int64(1000); value < 1000+lives*commands; value++ {
		o := order(value)
		r := p.desk.Do(t.Context(), o)
		if r.State == command.Done {
			done++
		}
		tell([]told{{o, r}})
	}
	written := map[telemetry.Value]int{}
	for _, values := range p.writes {
		for _, v := range values {
			if written[v]++; written[v] > 1 {
				t.Errorf("%v was written %d times", v, written[v])
			}
		}
	}
	for key, r := range finals {
		if r.State == command.Done && r.Sample.Value.String() != key[1:] {
			t.Errorf("%s is called done, and the press read %v", key, r.Sample.Value)
		}
	}
	if len(finals) != lives*commands || done < 100 {
		t.Errorf("%d orders came to an end, %d of them done", len(finals), done)
	}
	tale := p.tale(t)
	for value := int64(1000); value < 1000+lives*commands; value++ {
		if !strings.Contains(tale, fmt.Sprint("press.heater", value%many, "=", value, " ")) {
			t.Errorf("nothing is on record of %d", value)
		}
	}
}
