package rule_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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

	const pollers, each = 4, 20_000
	var pollersDone sync.WaitGroup
	for range pollers {
		pollersDone.Go(func() {
			for i := range each {
				e.Put([]telemetry.Sample{{Point: 1, Time: int64(i), Value: telemetry.Int64(int64(i % 3))}})
			}
		})
	}
	all := make(chan struct{})
	go func() { pollersDone.Wait(); close(all) }()
	swaps := 0
	for running := true; running; swaps++ {
		if err := e.Swap(plans[swaps%3]); err != nil {
			t.Fatal(err)
		}
		select {
		case <-all:
			running = false
		case <-time.After(time.Millisecond):
		}
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		n := strings.Count(strings.Join(h.did, ";"), `{"n":1000}`)
		h.mu.Unlock()
		if n == pollers*each/1000 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d windows of 1000 came of %d samples", n, pollers*each)
		}
	}
	for _, s := range e.Stats() {
		if s.Rule == "count" && (s.Seen != pollers*each || s.Fired != pollers*each/1000) {
			t.Errorf("after %d swaps: %+v, want %d seen", swaps, s, pollers*each)
		}
	}
	if swaps < 10 {
		t.Errorf("only %d swaps: nothing was shown", swaps)
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
