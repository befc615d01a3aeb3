package rule_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// TestPR7_HotSwap: while a rule is replaced over and over, each message is seen by the rule as it was or as it is, and never by both.
func TestPR7_HotSwap(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("r", "SELECT n, 0 AS version FROM 'in'", republish("out"))
	ctx, cancel := context.WithCancel(t.Context())
	var sender sync.WaitGroup
	sent := 0
	sender.Go(func() {
		for ; ctx.Err() == nil; sent++ {
			if err := p.Take(t.Context(), cloud.InboxItem{Topic: "in", Payload: fmt.Appendf(nil, `{"n":%d}`, sent), Received: time.Now()}); err != nil {
				t.Error(err)
			}
		}
	})
	const versions = 50
	for v := range versions {
		p.must(p.Replace(t.Context(), anna, "r", document(fmt.Sprintf("SELECT n, %d AS version FROM 'in'", v+1), republish("out"))))
	}
	cancel()
	sender.Wait()
	p.settled()
	seen, last := map[int]int{}, -1
	for _, m := range p.messages() {
		var n, v int
		_, err := fmt.Sscanf(m, `out {"n":%d,"version":%d}`, &n, &v)
		p.must(err)
		if seen[n]++; v < last {
			t.Errorf("message %d was seen by version %d after %d", n, v, last)
		}
		last = v
	}
	for n := range sent {
		if seen[n] != 1 {
			t.Errorf("message %d was seen %d times", n, seen[n])
		}
	}
}

// TestChangesWaitWithTheMessages: what came while nobody looked is seen by the rule as it was at that moment.
func TestChangesWaitWithTheMessages(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.end()
	store, err := local.Open(t.Context(), p.dir, local.Options{}, p.o.Log)
	p.must(err)
	p.o.Store = store
	p.Engine, err = rule.New(t.Context(), p.o)
	p.must(err)
	p.send("in", `{"n":0}`)
	p.rule("r", "SELECT n, 1 AS version FROM 'in'", republish("out"))
	p.send("in", `{"n":1}`)
	p.must(p.Replace(t.Context(), anna, "r", document("SELECT n, 2 AS version FROM 'in'", republish("out"))))
	p.send("in", `{"n":2}`)
	p.must(store.Close())
	p.start()
	p.gets(`out {"n":1,"version":1}`, `out {"n":2,"version":2}`)
}

// TestChangesTakeTheirTurn: what was published before a rule was deleted or turned off is seen by it, what comes after is not.
func TestChangesTakeTheirTurn(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("r", "SELECT n FROM 'in'", republish("out"))
	p.send("in", `{"n":1}`)
	p.must(p.Enable(t.Context(), anna, "r", false))
	p.send("in", `{"n":2}`)
	p.must(p.Enable(t.Context(), anna, "r", true))
	p.send("in", `{"n":3}`)
	p.must(p.Delete(t.Context(), anna, "r"))
	p.send("in", `{"n":4}`)
	p.settled()
	p.gets(`out {"n":1}`, `out {"n":3}`)
	var lines []string
	p.must(p.store.AuditLines(t.Context(), 0, func(_ uint64, line []byte) bool {
		r, err := audit.Parse(line)
		p.must(err)
		lines = append(lines, r.Who+" "+r.Action+" "+r.Object)
		return true
	}))
	if got := strings.Join(lines, ", "); got != "anna rule.create r, anna rule.disable r, anna rule.enable r, anna rule.delete r" {
		t.Errorf("the audit log says %s", got)
	}
}

// TestWindowSurvivesAReplacedAction: the statement is the same, so its window goes on; another statement begins anew.
func TestWindowSurvivesAReplacedAction(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	count := "SELECT count(*) AS n FROM 'in' GROUP BY COUNTWINDOW(3)"
	p.rule("r", count, republish("before"))
	p.send("in", `{}`)
	p.send("in", `{}`)
	p.must(p.Replace(t.Context(), anna, "r", document(count, republish("after"))))
	p.send("in", `{}`)
	p.gets(`after {"n":3}`)
	p.send("in", `{}`)
	p.must(p.Replace(t.Context(), anna, "r", document(strings.Replace(count, "3", "2", 1), republish("other"))))
	p.send("in", `{}`)
	p.send("in", `{}`)
	p.gets(`after {"n":3}`, `other {"n":2}`)
}

// TestASlowActionHoldsUpNobody: neither messages, nor another rule, nor another action of the same one; and what is too much is said to be.
func TestASlowActionHoldsUpNobody(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	p := newPlant(t, func(o *rule.Options) { o.MaxWaiting = 3 })
	p.rule("slow", "SELECT n FROM 'in'", republish("stuck"), republish("out"))
	p.refuse = nil
	p.o.Publish = nil
	p.end()
	p.o.Publish = func(ctx context.Context, m rule.Publication) error {
		if m.Topic == "stuck" {
			select {
			case <-released:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return p.publish(ctx, m)
	}
	p.start()
	for n := range 5 {
		p.send("in", fmt.Sprintf(`{"n":%d}`, n))
		p.until("the other action is done", func() bool { return p.Stats()["slow"].Success["republish"] == uint64(n+1) })
	}
	if got := p.deaths("slow"); len(got) != 2 || !strings.Contains(got[0], "3 executions of this action wait") {
		t.Errorf("failed %q", got)
	}
	close(released)
	p.settled()
	p.gets(`out {"n":0}`, `out {"n":1}`, `out {"n":2}`, `out {"n":3}`, `out {"n":4}`, `stuck {"n":0}`, `stuck {"n":1}`, `stuck {"n":2}`)
}

// TestAFloodIsBounded: a rule that fires for every sample of a large block gets as much as its actions may have waiting, and the rest is counted.
func TestAFloodIsBounded(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	p := newPlant(t, func(o *rule.Options) { o.MaxWaiting = 500 })
	p.end()
	p.o.Publish = func(ctx context.Context, m rule.Publication) error {
		select {
		case <-released:
			return p.publish(ctx, m)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.start()
	p.rule("all", "SELECT value FROM 'dt/#'", republish("out"))
	var samples []telemetry.Sample
	for i := range 5000 {
		samples = append(samples, telemetry.Sample{Time: int64(i + 1), Value: telemetry.Int64(int64(i))})
	}
	p.append([]string{"press.n"}, samples)
	p.until("all was looked at", func() bool { return p.Stats()["all"].RulesExecuted == 5000 })
	if c := p.Stats()["all"]; c.RuleMessageThrottled != 4500 || c.Failure["republish"] != 4500 || p.Waiting()["all/0"] > 500 {
		t.Errorf("counted %+v, waiting %v", c, p.Waiting())
	}
	close(released)
	p.settled()
	if n := len(p.messages()); n != 500 {
		t.Errorf("%d were published", n)
	}
}
