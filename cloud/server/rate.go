package server

import (
	"sync"
	"time"

	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/sync/wire"
)

// rateSlot and rateSlots make the minute over which a rate is taken: long enough for blocks that come every ten seconds.
const (
	rateSlot  = 5 * time.Second
	rateSlots = 12
)

// rates counts how many samples came from each thing lately.
type rates struct {
	now func() time.Time

	mu sync.Mutex
	of map[string]*meter
}

type meter struct {
	counts [rateSlots]int
	slot   int64 // the newest, counted from 1970
	first  int64 // since when it counts
}

func newRates() *rates { return &rates{now: time.Now, of: map[string]*meter{}} }

// add counts a message that was stored. A block says how many samples are in it; any other message counts as one.
func (r *rates) add(thing string, m ingest.Message) {
	samples := 1
	if m.What == wire.WhatBlock {
		if sum, err := wire.Peek(m.Payload); err == nil {
			samples = sum.Samples
		}
	}
	r.count(thing, samples)
}

func (r *rates) count(thing string, samples int) {
	slot := r.now().UnixNano() / int64(rateSlot)
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.of[thing]
	if m == nil {
		m = &meter{slot: slot, first: slot}
		r.of[thing] = m
	}
	m.turn(slot)
	m.counts[slot%rateSlots] += samples
}

// rate is samples a second over the last minute, or since the first sample when that is less.
func (r *rates) rate(thing string) float64 {
	slot := r.now().UnixNano() / int64(rateSlot)
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.of[thing]
	if m == nil {
		return 0
	}
	m.turn(slot)
	sum := 0
	for _, n := range m.counts {
		sum += n
	}
	span := time.Duration(min(slot-m.first+1, rateSlots)) * rateSlot
	return float64(sum) / span.Seconds()
}

// turn empties the slots between the newest and now.
func (m *meter) turn(slot int64) {
	for n := min(slot-m.slot, rateSlots); n > 0; n-- {
		m.counts[(slot-n+1)%rateSlots] = 0
	}
	m.slot = max(m.slot, slot)
}
