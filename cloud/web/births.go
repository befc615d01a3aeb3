package web

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

// births remembers what each gateway's birth says: the fleet is looked at every few seconds, and a birth may name ten thousand points.
// What it hands out is shared and not to be changed.
type births struct {
	mu sync.Mutex
	of map[string]*born
}

// born is a birth that was read.
type born struct {
	text []byte
	*wire.Birth
	points  int
	fastest int64                      // the shortest scan of its points, ms; 0: none is asked for
	named   map[string]wire.BirthPoint // by device.point
}

// none is the birth of who has not said anything, or nothing that can be read.
var none = &born{Birth: &wire.Birth{}}

func (b *births) read(t cloud.Thing) *born {
	if len(t.Birth) == 0 {
		return none
	}
	b.mu.Lock()
	known := b.of[t.Name]
	b.mu.Unlock()
	if known != nil && bytes.Equal(known.text, t.Birth) {
		return known
	}
	fresh := newBorn(t.Birth)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[string]*born{}
	}
	b.of[t.Name] = fresh
	return fresh
}

func newBorn(text []byte) *born {
	var birth wire.Birth
	if json.Unmarshal(text, &birth) != nil {
		return none
	}
	b := &born{text: text, Birth: &birth, named: map[string]wire.BirthPoint{}}
	for _, d := range birth.Devices {
		b.points += len(d.Points)
		for _, p := range d.Points {
			b.named[d.Name+"."+p.Name] = p
			if p.ScanMS > 0 && (b.fastest == 0 || p.ScanMS < b.fastest) {
				b.fastest = p.ScanMS
			}
		}
	}
	return b
}
