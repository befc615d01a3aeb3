package rule_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// TestARuleThatStaysMissesNothing: four pollers put samples while rules come and go.
func TestARuleThatStaysMissesNothing(t *testing.T) {
	const stays = "  - {name: count, sql: \"SELECT count(*) AS n FROM 'press/force' GROUP BY COUNTWINDOW(1000)\", publish: {topic: n}}\n"
	plans := []*config.Config{
		load(t, stays),
		load(t, "  - {name: first, when: press.force > 1, set: {shop.x: 1}}\n"+stays),
		load(t, stays+"  - {name: last, sql: \"SELECT value FROM 'press/+' WHERE value < 0\", publish: {topic: x}}\n"),
	}
	db, err := state.Open(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := &hands{names: plans[1].Points, seen: map[string]bool{}, began: time.Now()}
	e, err := rule.New(plans[0], db, h, rule.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.engine = e
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()

	const pollers = 4
	var pollersDone sync.WaitGroup
	var enough atomic.Bool
	var put atomic.Uint64
	for range pollers {
		pollersDone.Go(func() {
			for i := 0; !enough.Load(); i++ {
				e.Put([]telemetry.Sample{{Point: 1, Time: int64(i), Value: telemetry.Int64(int64(i % 3))}})
				put.Add(1)
			}
		})
	}
	for i := range 40 {
		if err := e.Swap(plans[i%3]); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
	}
	enough.Store(true)
	pollersDone.Wait()
	windows := put.Load() / 1000
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		n := uint64(strings.Count(strings.Join(h.did, ";"), `{"n":1000}`))
		h.mu.Unlock()
		if n == windows {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d windows of 1000 came of %d samples", n, put.Load())
		}
	}
	for _, s := range e.Stats() {
		if s.Rule == "count" && (s.Seen != put.Load() || s.Fired != windows) {
			t.Errorf("%+v, want %d seen", s, put.Load())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestADelayRunsOnThroughASwap(t *testing.T) {
	const rules = "  - {name: stop, when: press.running, for: 10s, write: {press.start: false}}\n"
	more := load(t, "  - {name: other, when: press.running, write: {press.speed: 3}}\n"+rules)
	during(t, rules, func(s *site) {
		s.read("press.running", true)
		s.wait(5 * time.Second)
		if err := s.engine.Swap(more); err != nil {
			t.Fatal(err)
		}
		s.wait(0)
		s.want("5s write press.speed=3") // the new rule does not wait for the next reading
		s.wait(5 * time.Second)
		s.want("10s write press.start=false")
	})
}

func TestSwapToABrokenPlanChangesNothing(t *testing.T) {
	during(t, "  - {name: stop, when: press.running, write: {press.start: false}}", func(s *site) {
		bad := *s.cfg
		bad.Rules = []config.Rule{{Name: "bad", When: "press.runing"}}
		if err := s.engine.Swap(&bad); err == nil || !strings.Contains(err.Error(), "rule bad: there is no point press.runing") {
			t.Errorf("%v", err)
		}
		s.read("press.running", true)
		s.want("0s write press.start=false")
	})
}

func TestPointsMayGetOtherNumbers(t *testing.T) {
	rules := "  - {name: hot, when: press.oil_temp > 85, write: {press.start: false}, end: {write: {press.start: true}}}\n  - {name: sum, sql: \"SELECT sum(value) AS value FROM 'press/force' GROUP BY COUNTWINDOW(3)\", set: shop.sum}\n"
	during(t, rules, func(s *site) {
		s.read("press.oil_temp", 90.0)
		s.read("press.force", 1)
		s.want("0s write press.start=false")
		other := *s.cfg // oil_temp and force change places
		other.Points = append([]config.Point{}, s.cfg.Points...)
		other.Points[0], other.Points[1] = other.Points[1], other.Points[0]
		s.cfg, s.hands.names = &other, other.Points
		if err := s.engine.Swap(&other); err != nil {
			t.Fatal(err)
		}
		s.read("press.force", 1)
		s.read("press.force", 1)
		s.want("0s set shop.sum=3")
		s.read("press.oil_temp", 20.0)
		s.want("0s write press.start=true")
		if st := s.engine.Stats(); fmt.Sprint(st[0].Fired, st[1].Fired) != "1 1" {
			t.Errorf("%+v", st)
		}
	})
}
