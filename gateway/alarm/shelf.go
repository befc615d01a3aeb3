package alarm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/wire"
)

// shelf is the room's name in the store; the keys on it begin with these.
const (
	shelf    = "alarms"
	alarmKey = "a/"    // NAME: a record
	eventKey = "e/"    // number, as %016x: an event that the sink may not have
	floorKey = "floor" // the highest sequence of alarms that are gone
)

// record is an alarm on the shelf: its account in JSON, a line feed, and its memory (sync/alarm, FORMAT.md).
type record struct {
	account
	Memory []byte
}

func (r record) encode() []byte { return append(append(encode(r.account), '\n'), r.Memory...) }

func parseRecord(b []byte) (r record, err error) {
	first, memory, _ := bytes.Cut(b, []byte{'\n'})
	r.Memory = bytes.Clone(memory) // the store's own bytes end with the transaction
	return r, json.Unmarshal(first, &r.account)
}

func (r record) name() string { return r.Name }

// sequence is that of the last event, those that were lost with a memory included.
func (r record) sequence() uint64 {
	if r.Last == nil {
		return 0
	}
	return r.Last.Sequence + 1
}

func (l *lamp) record() record { return record{l.account, l.alarm.Encode()} }

// batch is one transaction.
type batch struct {
	put     map[string][]byte
	del     []string
	lamps   []*lamp // whose records are in it
	changes uint64
	ready   uint64
}

// collect takes what is to be stored now. It holds p.mu.
func (p *Panel) collect() batch {
	b := batch{put: map[string][]byte{floorKey: strconv.AppendUint(nil, p.floor, 10)}, del: p.gone, changes: p.changes, ready: p.last}
	p.gone, p.flushAt = nil, time.Time{}
	for _, l := range p.lamps {
		if l.dirty {
			l.dirty = false
			b.lamps = append(b.lamps, l)
			b.put[alarmKey+l.name()] = l.record().encode()
		}
	}
	for i := len(p.pending) - 1; i >= 0 && p.pending[i].n > p.ready; i-- {
		b.put[keyOf(p.pending[i].n)] = encode(p.pending[i].event)
	}
	return b
}

func keyOf(n uint64) string { return fmt.Sprintf("%s%016x", eventKey, n) }

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: what is known of an alarm is no JSON: " + err.Error())
	}
	return b
}

func (b *batch) write(s state.Shelf) error {
	for _, key := range b.del {
		if err := s.Delete(key); err != nil {
			return err
		}
	}
	for key, value := range b.put {
		if err := s.Put(key, value); err != nil {
			return err
		}
	}
	return nil
}

// settle returns when all that was changed before is on the shelf, or the disk has refused it; then the clock tries again every second.
// Who comes while another's transaction is under way shares the next.
func (p *Panel) settle() error { return p.write(false) }

func (p *Panel) write(again bool) error {
	p.mu.Lock()
	want := p.changes
	p.mu.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	switch err := p.failing; {
	case p.stored >= want:
		p.mu.Unlock()
		return nil
	case err != nil && !again:
		p.mu.Unlock()
		return err
	}
	b := p.collect()
	p.mu.Unlock()
	err := p.store.Update(shelf, b.write)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("it counts, but is not on disk: %w", err)
		p.putBack(b, err)
		return err
	}
	if p.failing != nil {
		p.o.Log.Info("the state of alarms is stored again")
	}
	p.failing, p.stored, p.ready = nil, b.changes, b.ready
	wakeUp(p.ripe)
	return nil
}

// putBack has a batch that the disk refused tried again. It holds p.mu.
func (p *Panel) putBack(b batch, err error) {
	if p.failing == nil {
		p.o.Log.Error("the state of alarms can't be stored: they are shown, but a crash now would forget the last of them; make room on the disk", "err", err)
	}
	p.failing = err
	for _, l := range b.lamps {
		l.dirty = true
	}
	p.gone = append(b.del, p.gone...)
	p.tidyIn(time.Second)
}

// tidyIn has the shelf written within d. It holds p.mu.
func (p *Panel) tidyIn(d time.Duration) {
	at := p.o.Now().Add(d)
	if p.flushAt.IsZero() || at.Before(p.flushAt) {
		p.flushAt = at
		p.poke()
	}
}

// load reads the shelf. What can't be read is reported and removed: the other alarms must be shown.
func (p *Panel) load() (map[string]record, error) {
	known := map[string]record{}
	err := p.store.View(shelf, func(s state.Shelf) error {
		p.floor, _ = strconv.ParseUint(string(s.Get(floorKey)), 10, 53)
		return errors.Join(
			s.Each(alarmKey, func(key string, v []byte) error { p.loadAlarm(known, key, v); return nil }),
			s.Each(eventKey, func(key string, v []byte) error { p.loadEvent(key, v); return nil }),
		)
	})
	p.ready = p.last
	wakeUp(p.ripe)
	return known, err
}

func (p *Panel) loadAlarm(known map[string]record, key string, v []byte) {
	r, err := parseRecord(v)
	if err == nil && alarmKey+r.name() != key {
		err = fmt.Errorf("it is of %q", r.name())
	}
	if err != nil {
		p.unreadable(key, err)
		return
	}
	for _, e := range []**wire.AlarmEvent{&r.Last, &r.Held} {
		if *e == nil {
			continue
		}
		if _, _, err := wire.EncodeAlarms([]wire.AlarmEvent{**e}); err != nil {
			p.o.Log.Error("an event of an alarm on the shelf can't be read and is lost", "alarm", r.name(), "err", err)
			*e = nil
		}
	}
	known[r.name()] = r
}

func (p *Panel) loadEvent(key string, v []byte) {
	n, err := strconv.ParseUint(strings.TrimPrefix(key, eventKey), 16, 64)
	var e wire.AlarmEvent
	if err == nil {
		err = json.Unmarshal(v, &e)
	}
	if err == nil {
		_, _, err = wire.EncodeAlarms([]wire.AlarmEvent{e})
	}
	if err != nil || n <= p.last {
		p.unreadable(key, err)
		return
	}
	p.last = n
	p.pending = append(p.pending, pending{n, e})
}

func (p *Panel) unreadable(key string, err error) {
	p.o.Log.Error("what is stored of an alarm can't be read and is lost", "key", key, "err", err)
	p.gone = append(p.gone, key)
}
