package rule

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// filters are what the rules want to see now. They do not change, save for what they remember of points.
type filters struct {
	topics tree[string]
	names  map[string]bool // of rules that are on

	mu     sync.Mutex
	things map[string]*seen
}

// seen is what rules want to see of a gateway's points.
type seen struct {
	mu     sync.Mutex
	exact  []string        // the points they name; without one they name none with a wildcard
	named  bool            // exact are all
	wanted map[string]bool // by point
}

// maxExact is how many points are picked out of a block one by one; more are found by reading all of it.
const maxExact = 8

// newFilters leaves out rules that are off, and those that cannot be read: they do nothing.
func newFilters(rules []cloud.Rule) *filters {
	f := &filters{names: map[string]bool{}, things: map[string]*seen{}}
	for _, r := range rules {
		d, err := parseDocument(r.Document)
		if err != nil || d.Disabled {
			continue
		}
		s, err := sql.Parse(d.SQL)
		if err != nil {
			continue
		}
		f.names[r.Name] = true
		if s.From() != "" {
			f.topics.add(s.From(), r.Name)
		}
	}
	return f
}

// basicIngest is AWS IoT's prefix of messages to one rule: $aws/rules/NAME/topic.
const basicIngest = "$aws/rules/"

// Wants reports whether a rule wants to see a message, and completes the item. Topic, Payload, Received and what is known of the sender are the
// caller's to set.
func (e *Engine) Wants(item *cloud.InboxItem) bool {
	f := e.filters.Load()
	if rest, ok := strings.CutPrefix(item.Topic, basicIngest); ok {
		item.Rule, _, _ = strings.Cut(rest, "/")
		if !f.names[item.Rule] {
			e.tally.missing.Add(1)
			return false
		}
	} else if !f.topics.has(item.Topic) {
		return false
	}
	for _, p := range item.User {
		if p[0] == PropHops {
			hops, _ := strconv.Atoi(p[1]) // 0, as for any other message, when it is no number
			item.Hops = max(item.Hops, hops)
		}
	}
	if item.Trace == "" {
		item.Trace = newTrace()
	}
	return true
}

func newTrace() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return trace(random)
}

// Message has a JSON message that is stored as a batch seen by rules: it sets b.Inbox when one wants to see it.
func (e *Engine) Message(b *cloud.Batch, item cloud.InboxItem) {
	if e.Wants(&item) {
		b.Inbox = &item
	}
}

// Block has the samples of a gateway's block seen by rules: it sets b.Inbox when one wants to see some, with those and no others. The block
// must be sound.
func (e *Engine) Block(b *cloud.Batch) error {
	f := e.filters.Load()
	if !f.topics.beyond("dt", b.Thing) {
		return nil
	}
	block, err := e.pick(f, b)
	if err != nil || block == nil {
		return err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", b.Thing, b.Epoch, b.Seq))
	b.Inbox = &cloud.InboxItem{Kind: cloud.InboxBlock, Thing: b.Thing, Payload: block, Trace: trace([16]byte(sum[:16])), Received: b.Received}
	return nil
}

// of is what rules want to see of a thing.
func (f *filters) of(thing string) *seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.things[thing]
	if s == nil {
		s = &seen{wanted: map[string]bool{}}
		var pairs [][2]string
		pairs, s.named = f.topics.exactly("dt", thing)
		for _, p := range pairs {
			s.exact = append(s.exact, p[0]+"."+p[1])
		}
		f.things[thing] = s
	}
	return s
}

// pick makes a block of the wanted samples; nil when there are none.
func (e *Engine) pick(f *filters, b *cloud.Batch) (block []byte, err error) {
	s := f.of(b.Thing)
	p := e.pickers.Get().(*picker)
	defer e.pickers.Put(p)
	p.reset()
	if s.named && len(s.exact) <= maxExact {
		for _, name := range s.exact {
			if err := p.dec.Column(b.Block, name, func(one telemetry.Sample) bool { return p.take(name, one) }); err != nil {
				return nil, err
			}
		}
	} else if err := p.dec.Decode(b.Block, f.wanted(s, b.Thing, p.take)); err != nil {
		return nil, err
	}
	switch len(p.list) {
	case 0:
		return nil, nil
	case b.Samples:
		return b.Block, nil
	}
	return p.enc.AppendBlock(nil, p.names, p.list)
}

// picker makes a smaller block of a block. One goroutine at a time.
type picker struct {
	dec *wire.Decoder
	enc *wire.Encoder
	samples
}

// wanted passes on the samples of points that rules want to see.
func (f *filters) wanted(s *seen, thing string, take func(string, telemetry.Sample) bool) func(string, telemetry.Sample) bool {
	last, want := "", false
	return func(name string, one telemetry.Sample) bool {
		if name != last {
			last, want = name, s.wants(f, thing, name)
		}
		if want {
			return take(name, one)
		}
		return true
	}
}

// maxSeen is how many points of a thing are remembered.
const maxSeen = 100_000

func (s *seen) wants(f *filters, thing, point string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	want, known := s.wanted[point]
	if !known {
		if len(s.wanted) >= maxSeen {
			clear(s.wanted)
		}
		want = f.topics.has(pointTopic(thing, point))
		s.wanted[point] = want
	}
	return want
}

// pointTopic is the topic that a point's samples have for rules.
func pointTopic(thing, point string) string {
	if device, name, ok := sql.DevicePoint(point); ok {
		return "dt/" + thing + "/" + device + "/" + name
	}
	return "dt/" + thing + "/" + point
}
