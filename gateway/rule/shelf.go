package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// What begins a key on the shelf, and what is behind it: JSON, save for windows, whose form is sync/rule's.
const (
	memoryKey  = "m/" // RULE: its memory
	windowKey  = "w/" // RULE: the fingerprint (as %016x), then the state of its statement
	actionsKey = "a/" // RULE/OCCASION/PLACE: an action that has not been done
	valueKey   = "v/" // DEVICE.POINT: a virtual point, as it was set last
)

// actionKey names an action: rule, occasion and place in it.
func actionKey(rule string, n uint64, place int) string {
	return fmt.Sprintf("%s/%016x/%02x", rule, n, place)
}

// storeRate is how many bytes of one rule's window are stored a second at most, whatever its size: flash wears out.
const storeRate = 256 << 10

var seed = maphash.MakeSeed()

// batch is one transaction.
type batch struct {
	put     []entry
	del     []string
	actions []*action
	rules   []*running // whose memory is in it
}

type entry struct {
	key   string
	value []byte
}

func (b *batch) empty() bool { return len(b.put)+len(b.del)+len(b.actions) == 0 }

// collect takes what is to be stored now: what fired at once, with all that has been done; what else has changed at the flush. It holds
// e.mu.
func (e *Engine) collect(now time.Time, all bool) (b batch) {
	flush := all || !e.flushAt.IsZero() && !now.Before(e.flushAt)
	if flush {
		e.flushAt = time.Time{}
	}
	if !flush && len(e.outbox) == 0 && !e.finished {
		return b
	}
	e.finished = false
	b.actions, e.outbox = e.outbox, nil
	b.del, e.done = e.done, nil
	for name, k := range e.values {
		b.json(valueKey+name, k)
	}
	clear(e.values)
	for _, r := range e.plan.rules {
		if r.fired || flush && r.stale {
			e.pack(r, now, all, &b)
		}
	}
	return b
}

func (b *batch) json(key string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a rule's memory is no JSON: " + err.Error())
	}
	b.put = append(b.put, entry{key, text})
}

// pack puts a rule's memory and window into the batch. A large window may have to wait for a later flush.
func (e *Engine) pack(r *running, now time.Time, all bool, b *batch) {
	fired := r.fired
	r.fired, r.stale = false, false
	b.rules = append(b.rules, r)
	if r.statement == nil || r.N != r.storedN {
		b.json(memoryKey+r.cfg.Name, &r.memory)
		r.storedN = r.N
	}
	if r.statement == nil {
		return
	}
	if !all && now.Before(r.storable) && !(fired && r.owesWindow(now)) {
		r.stale = true
		if e.flushAt.IsZero() {
			e.flushAt = now.Add(e.o.Flush)
		}
		return
	}
	window, err := r.statement.MarshalBinary()
	if err != nil {
		e.complain(r, now, fmt.Errorf("its window can't be stored: %w", err))
		return
	}
	if h := maphash.Bytes(seed, window); h != r.stored {
		r.stored = h
		b.put = append(b.put, entry{windowKey + r.cfg.Name, append(fmt.Appendf(nil, "%016x", r.fingerprint), window...)})
		r.storable = now.Add(time.Duration(len(window)) * time.Second / storeRate)
	}
}

// owesWindow: windows that time closes are stored together with their rows, else a crash would close them again. Where rows come
// faster than one a second, storeRate bounds that too.
func (r *running) owesWindow(now time.Time) bool {
	if !r.timed || now.Sub(r.owed) < time.Second {
		return false
	}
	r.owed = now
	return true
}

// commit stores a batch. What the disk refuses is kept for the next flush; the actions are done all the same: a plant must be stopped
// when it is hot, also by a gateway whose disk is full.
func (e *Engine) commit(b batch) {
	if b.empty() {
		return
	}
	err := e.store.Update(shelf, func(s state.Shelf) error { return b.write(s) })
	if err == nil {
		if e.failing {
			e.log.Info("the state of rules is stored again")
		}
		e.failing = false
		return
	}
	if !e.failing {
		e.log.Error("the state of rules can't be stored: they act, but a crash now would make them act again; make room on the disk", "err", err)
	}
	e.failing = true
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range b.rules {
		r.stale, r.stored, r.storedN, r.storable = true, 0, 0, time.Time{}
	}
	if len(e.done) < maxOutbox {
		e.done = append(b.del, e.done...)
	}
	e.flushAt = e.o.Now().Add(e.o.Flush)
}

func (b *batch) write(s state.Shelf) error {
	for _, key := range b.del {
		if err := s.Delete(key); err != nil {
			return err
		}
	}
	for _, put := range b.put {
		if err := s.Put(put.key, put.value); err != nil {
			return err
		}
	}
	for _, a := range b.actions {
		text, err := a.encode()
		if err != nil {
			return err
		}
		if err := s.Put(actionsKey+a.Key, text); err != nil {
			return err
		}
	}
	return nil
}

// load takes from the shelf what belongs to the rules as they are; the rest will be removed. What can't be read is reported and left out:
// rules must run.
func (e *Engine) load() error {
	now := e.o.Now()
	var left int
	err := e.store.View(shelf, func(s state.Shelf) error {
		return errors.Join(
			s.Each(memoryKey, func(key string, v []byte) error { e.loadMemory(key, v, now); return nil }),
			s.Each(windowKey, func(key string, v []byte) error { e.loadWindow(key, v, now); return nil }),
			s.Each(valueKey, func(key string, v []byte) error { e.loadValue(key, v, now); return nil }),
			s.Each(actionsKey, func(key string, v []byte) error { left += e.loadAction(key, v); return nil }),
		)
	})
	if err != nil {
		return fmt.Errorf("read the state of rules: %w", err)
	}
	if left > 0 {
		e.log.Warn("actions of rules that have changed since, or are gone, are not done", "actions", left)
	}
	return nil
}

func (e *Engine) loadMemory(key string, v []byte, now time.Time) {
	r := e.plan.byName[strings.TrimPrefix(key, memoryKey)]
	if r == nil {
		e.done = append(e.done, key)
		return
	}
	m, err := decodeMemory(v, now)
	switch {
	case err != nil:
		e.complain(r, now, err)
	case m.Fingerprint != r.fingerprint:
		r.restart(now, m.N)
	default:
		r.memory, r.fresh = m, false
	}
}

func (e *Engine) loadWindow(key string, v []byte, now time.Time) {
	r := e.plan.byName[strings.TrimPrefix(key, windowKey)]
	if r == nil || r.statement == nil || r.fresh {
		e.done = append(e.done, key)
		return
	}
	head := fmt.Sprintf("%016x", r.fingerprint)
	if !strings.HasPrefix(string(v[:min(len(v), len(head))]), head) {
		e.done = append(e.done, key) // of the rule as it was before
		return
	}
	if err := r.statement.UnmarshalBinary(slices.Clone(v[len(head):])); err != nil {
		e.complain(r, now, fmt.Errorf("what was in its window is lost: %w", err))
	}
}

func (e *Engine) loadValue(key string, v []byte, now time.Time) {
	name := strings.TrimPrefix(key, valueKey)
	id, ok := e.plan.used[name]
	k := &kept{}
	if !ok || !e.plan.points[id].Virtual() || json.Unmarshal(v, k) != nil || k.Kind > telemetry.KindString {
		e.done = append(e.done, key)
		return
	}
	s := k.sample(id)
	if s.Time = now.UnixNano(); !s.Quality.IsBad() {
		s.Quality = telemetry.UncertainLastUsable
	}
	e.virtual = append(e.virtual, s)
}

// loadAction takes an action over, or counts one that is not wanted any more.
func (e *Engine) loadAction(key string, v []byte) (unwanted int) {
	a, err := decodeAction(v)
	r := e.plan.byName[strings.Split(strings.TrimPrefix(key, actionsKey), "/")[0]]
	if err == nil && r != nil && !r.fresh && a.Rule == r.cfg.Name && actionsKey+a.Key == key {
		a.of = r.fingerprint
		e.restored = append(e.restored, a)
		return 0
	}
	e.done = append(e.done, key)
	return 1
}
