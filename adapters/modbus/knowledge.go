package modbus

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// knowledge is what was found out about one device. Whoever holds the bus's lock may touch it.
type knowledge struct {
	charts  [Holding + 1]*chart
	price   price
	sun     sunMap
	version int  // grows with what plans are made of
	dirty   bool // there is something that Lessons has not told yet
}

func newKnowledge(p price) *knowledge {
	k := &knowledge{price: p}
	for t := Coil; t <= Holding; t++ {
		k.charts[t] = &chart{}
	}
	return k
}

func (k *knowledge) changed() {
	k.version++
	k.dirty = true
}

// limits are those of one table of the device.
func (k *knowledge) limits(d *Device, t Table) limits {
	l := limits{most: k.charts[t].most(d.most(t)), chart: k.charts[t], price: k.price, gap: d.Gap}
	gap := k.price.gap()
	if t.bits() {
		l.price.each /= 16
		gap *= 16
	}
	if d.Gap == measured {
		l.gap = gap
	}
	return l
}

// plan is every request that reads the places, and what is not asked for because the device does not have it.
func (k *knowledge) plan(d *Device, byTable map[Table][]place) (spans, missing []span) {
	for _, t := range []Table{Holding, Input, Coil, Discrete} {
		some, without := plan(t, byTable[t], k.limits(d, t))
		spans = append(spans, some...)
		for i := range without {
			if i > 0 && without[i].stretch == without[i-1].stretch {
				last := &missing[len(missing)-1]
				last.places = without[i-len(last.places) : i+1]
				continue
			}
			missing = append(missing, newSpan(t, without[i:i+1]))
		}
	}
	return spans, missing
}

// lesson is knowledge as it is kept across restarts.
type lesson struct {
	Request  float64                `json:"request_s"`  // what a request takes
	Register float64                `json:"register_s"` // and each register in it
	Tables   map[string]tableLesson `json:"tables,omitempty"`
	SunSpec  []sunFound             `json:"sunspec,omitempty"`
}

// tableLesson has stretches as [first, last].
type tableLesson struct {
	Read    [][2]int `json:"read,omitempty"`
	Refused [][2]int `json:"refused,omitempty"`
	Longest int      `json:"longest,omitempty"`
	TooLong int      `json:"too_long,omitempty"`
}

func (k *knowledge) lesson() []byte {
	l := lesson{Request: k.price.fixed, Register: k.price.each, Tables: map[string]tableLesson{}, SunSpec: k.sun.models}
	for t := Coil; t <= Holding; t++ {
		c := k.charts[t]
		if c.longest == 0 && len(c.refused) == 0 {
			continue
		}
		of := tableLesson{Longest: c.longest, TooLong: c.tooLong}
		for _, r := range c.refused {
			if !r.doubt {
				of.Refused = append(of.Refused, [2]int{r.start, r.end - 1})
			}
		}
		for _, g := range c.good {
			of.Read = append(of.Read, [2]int{g.start, g.end - 1})
		}
		l.Tables[tables[t].prefix] = of
	}
	text, err := json.Marshal(l)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return text
}

// recall takes up what lesson wrote. What makes no sense is left out: it will be learned again.
func (k *knowledge) recall(text []byte, now time.Time) error {
	var l lesson
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("what was learned of the device can't be read: %w", err)
	}
	if l.Request > 0 && l.Request < 60 && l.Register >= 0 && l.Register < 1 {
		k.price.fixed = l.Request
		if !k.price.line {
			k.price.each = l.Register
		}
	}
	for prefix, of := range l.Tables {
		t, ok := tableOfPrefix(prefix)
		if !ok {
			continue
		}
		c := k.charts[t]
		for _, s := range of.Read {
			if s[0] >= 0 && s[0] <= s[1] && s[1] <= 0xFFFF {
				c.accept(stretch{s[0], s[1] + 1})
			}
		}
		for _, s := range of.Refused {
			if s[0] >= 0 && s[0] <= s[1] && s[1] <= 0xFFFF {
				c.refuse(stretch{s[0], s[1] + 1}, false, now)
			}
		}
		c.longest, c.tooLong = max(0, min(of.Longest, maxBits)), max(0, min(of.TooLong, maxBits))
	}
	if len(l.SunSpec) > 0 && len(l.SunSpec) <= mostModels {
		k.sun.found(l.SunSpec)
		k.sun.walked = false // they may have moved meanwhile
	}
	k.version++
	return nil
}

// Recall takes up what was learned of a device in an earlier life.
func (a *adapter) Recall(device string, lesson []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := newKnowledge(a.price)
	if err := k.recall(lesson, time.Now()); err != nil {
		a.log.Warn("reading is planned anew", "device", device, "err", err)
		return
	}
	a.known[device] = k
}

// Lessons is what was learned since it was last asked for.
func (a *adapter) Lessons() map[string][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	var news map[string][]byte
	for device, k := range a.known {
		if !k.dirty {
			continue
		}
		if news == nil {
			news = map[string][]byte{}
		}
		news[device], k.dirty = k.lesson(), false
	}
	return news
}

// knowledgeOf is what is known of a device. The caller holds the lock.
func (a *adapter) knowledgeOf(device string) *knowledge {
	k := a.known[device]
	if k == nil {
		k = newKnowledge(a.price)
		a.known[device] = k
	}
	return k
}

var _ adapters.Learner = (*adapter)(nil)
