package rule_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// childDir tells the test binary that it is the process to be killed: the store's folder, the webhooks' host:port, and the address of the
// subscriber, with spaces between.
const childDir = "PENSTOCK_TEST_CHILD_DIR"

// runChild takes messages and blocks until it is killed. Each has a number; "m NUMBER" and "b NUMBER" on stdout say that it was taken.
func runChild(arg string) error {
	ctx := context.Background()
	args := strings.Fields(arg)
	store, err := local.Open(ctx, args[0], local.Options{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	subscriber, err := net.Dial("tcp", args[2])
	if err != nil {
		return err
	}
	engine, err := rule.New(ctx, rule.Options{Store: store, Backoff: time.Millisecond, Webhooks: rule.Webhooks{Allow: []string{args[1]}},
		Publish: func(_ context.Context, p rule.Publication) error {
			_, err := fmt.Fprintf(subscriber, "%s %s %s\n", p.Topic, p.User[len(p.User)-1][1], p.Payload)
			return err
		}})
	if err != nil {
		return err
	}
	failed := make(chan error)
	go func() { failed <- engine.Run(ctx) }()
	store.CreateThing(ctx, cloud.Thing{Name: "plant7", Kind: cloud.KindGateway}) // there already from the second start on
	by := rule.Person{Name: "anna"}
	hook := `{"http":{"url":"http://` + args[1] + `/hook"}}`
	for name, document := range map[string][]byte{
		"direct": document("SELECT n, traceid() AS trace FROM 'in'", republish("direct"), hook),
		"chain":  document("SELECT n FROM 'direct'", republish("chain"), `{"store":{"thing":"plant7","point":"chained"}}`),
		"block":  document("SELECT value FROM 'dt/plant7/press/n'", republish("block")),
	} {
		engine.Create(ctx, by, name, document) // there already from the second start on
	}
	start := time.Now().UnixNano()
	go func() { failed <- sendMessages(ctx, engine, start) }()
	go func() { failed <- sendBlocks(ctx, engine, store, start) }()
	return <-failed
}

// sendMessages numbers from the time of its start on: no number comes twice.
func sendMessages(ctx context.Context, engine *rule.Engine, n int64) error {
	for ; ; n++ {
		if err := engine.Take(ctx, cloud.InboxItem{Topic: "in", Payload: fmt.Appendf(nil, `{"n":%d}`, n), Received: time.Now()}); err != nil {
			return err
		}
		fmt.Printf("m %d\n", n) // one write: the parent sees all of it or nothing
	}
}

// sendBlocks sends each block twice, as a gateway does that got no acknowledgement.
func sendBlocks(ctx context.Context, engine *rule.Engine, store *local.Store, n int64) error {
	epoch := fmt.Sprint("E", n)
	for seq := uint64(1); ; seq++ {
		samples := []telemetry.Sample{{Time: n + int64(seq), Value: telemetry.Int64(n + int64(seq))}, {Point: 1, Time: n, Value: telemetry.Bool(true)}}
		block, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, []string{"press.n", "press.other"}, samples)
		if err != nil {
			return err
		}
		b := cloud.Batch{Thing: "plant7", Epoch: epoch, Seq: seq, Received: time.Now(), Block: block, Samples: 2, Points: 2, From: n, To: n + int64(seq)}
		if err := engine.Block(&b); err != nil {
			return err
		}
		for range 2 {
			if _, err := store.Append(ctx, b); err != nil {
				return err
			}
		}
		fmt.Printf("b %d\n", n+int64(seq))
	}
}

// kills is how often a child is killed: go test -run RE20 ./cloud/rule -kills 40
var kills = flag.Int("kills", 2, "how often TestRE20_KillLosesNothing kills its child")

// receiver counts what came, by way and number, with the keys it came under.
type receiver struct {
	mu   sync.Mutex
	keys map[string]map[string]int // way NUMBER -> key -> times
}

func (r *receiver) add(what, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[what] == nil {
		r.keys[what] = map[string]int{}
	}
	r.keys[what][key]++
}

func (r *receiver) has(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[what] != nil
}

// listen takes what the child publishes: lines of topic, key and payload.
func (r *receiver) listen(t *testing.T) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				lines := bufio.NewReader(conn)
				for {
					line, err := lines.ReadString('\n')
					if err != nil { // half a line is of a child that was killed: it publishes again
						return
					}
					f := strings.SplitN(strings.TrimSpace(line), " ", 3)
					r.add(f[0]+" "+digits(f[2]), f[1])
				}
			})
		}
	})
	return ln.Addr().String()
}

// digits is the number in a payload, which comes before any other digit.
func digits(payload string) string {
	start := strings.IndexAny(payload, "0123456789")
	if start < 0 {
		return ""
	}
	end := start
	for end < len(payload) && payload[end] >= '0' && payload[end] <= '9' {
		end++
	}
	return payload[start:end]
}

// TestRE20_KillLosesNothing: whatever was taken is done by every action, at least once, and what is done twice has the same key.
func TestRE20_KillLosesNothing(t *testing.T) {
	t.Parallel()
	rounds := *kills
	p := newPlant(t, nil)
	p.end() // its folder and its hooks are the children's
	r := &receiver{keys: map[string]map[string]int{}}
	address := r.listen(t)
	var taken []string
	for range rounds {
		taken = append(taken, killWhileTaking(t, strings.Join([]string{p.dir, p.hooks.host(), address}, " "), 20+rand.IntN(130))...)
	}
	// Now one that is left alone.
	p.o.Publish = func(_ context.Context, m rule.Publication) error {
		r.add(m.Topic+" "+digits(string(m.Payload)), m.User[len(m.User)-1][1])
		return nil
	}
	p.start()
	p.settled()
	for _, h := range p.hooks.got {
		r.add("hook "+digits(h.body), h.Header.Get("Idempotency-Key"))
	}
	lost := 0
	stored := p.storedOnce()
	for _, what := range taken {
		kind, n, _ := strings.Cut(what, " ")
		ways := []string{"direct", "hook", "chain"}
		if kind == "b" {
			ways = []string{"block"}
		} else if stored[n] != 1 {
			t.Errorf("message %s is stored %d times", n, stored[n])
		}
		for _, way := range ways {
			if !r.has(way + " " + n) {
				lost++
				t.Errorf("%s was taken and not done by %s", what, way)
			}
		}
	}
	twice := 0
	for what, keys := range r.keys {
		if len(keys) != 1 {
			t.Errorf("%s was done under the keys %v", what, keys)
		}
		for _, n := range keys {
			twice += n - 1
		}
	}
	if dead := append(p.deaths("direct"), p.deaths("chain")...); len(dead) > 0 {
		t.Errorf("failed %q", dead)
	}
	t.Logf("%d kills, %d messages and blocks taken, %d executions seen, %d lost, %d twice, each under the same key", rounds, len(taken), len(r.keys), lost, twice)
}

// storedOnce counts the samples that the rule chain has stored, by number.
func (p *plant) storedOnce() map[string]int {
	stored := map[string]int{}
	p.must(p.store.Range(p.t.Context(), cloud.Query{Thing: "plant7", Point: "chained.n"}, func(s telemetry.Sample) bool {
		stored[s.Value.String()]++
		return true
	}))
	return stored
}

// killWhileTaking starts a child, waits for so many messages to be taken, and kills it. It gives all that were taken.
func killWhileTaking(t *testing.T, arg string, enough int) (taken []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+arg)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF || err != nil {
			break
		}
		if taken = append(taken, strings.TrimSpace(line)); len(taken) == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(taken) < enough {
		t.Fatalf("the child ended by itself after %d", len(taken))
	}
	return taken
}
