package rule

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
)

// running is one rule at work. Everything in it belongs to the engine's lock.
type running struct {
	cfg         *config.Rule
	fingerprint uint64
	memory

	when, until               *sql.Condition // nil without
	whenReading, untilReading reading
	statement                 *sql.Rule // nil for a rule with when
	bound                     []sql.Point
	emit                      func(sql.Row)

	do, again, end []act // when it comes on, at `every`, when it goes off
	off            act   // tells the alarm that it is off; nil without alarm

	judged   bool      // a reading has said true or false since this rule was loaded
	fresh    bool      // it has no past: what its alarm last heard may have come from another rule of this name
	fired    bool      // memory must be on disk before its actions are done
	stale    bool      // memory or window is newer than on disk
	hop      uint8     // of the sample that it judged last
	ticked   time.Time // sql with every: the last one
	timed    bool      // its windows are closed by time
	owed     time.Time // when a window was last stored because a row came of it
	storable time.Time // a large window waits until then before it is stored again
	stored   uint64    // hash of the window as it was stored last
	storedN  uint64    // N as it was stored last
	stats    counts
}

// memory is what a rule knows besides its window. It is on the shelf.
type memory struct {
	Fingerprint uint64    `json:"rule"`
	N           uint64    `json:"n"` // the last occasion's number. The first is from the clock, so that no number comes again after the memory was lost
	On          bool      `json:"on,omitempty"`
	Since       time.Time `json:"since,omitzero"` // of On
	Began       time.Time `json:"began,omitzero"` // when has been true since then, and is waited for `for`
	Acted       time.Time `json:"acted,omitzero"` // the last time that `every` counts from
}

// decodeMemory reads a memory. Times that have not come yet (a clock that was wrong) are now.
func decodeMemory(b []byte, now time.Time) (m memory, err error) {
	if err := json.Unmarshal(b, &m); err != nil {
		return memory{}, fmt.Errorf("a rule's memory on the shelf: %w", err)
	}
	for _, t := range []*time.Time{&m.Since, &m.Began, &m.Acted} {
		if t.After(now) {
			*t = now
		}
	}
	return m, nil
}

// restart gives the rule no past, save that its occasions go on being counted.
func (r *running) restart(now time.Time, n uint64) {
	r.memory = memory{Fingerprint: r.fingerprint, N: max(n, uint64(max(now.UnixMicro(), 0)))}
	r.fresh = true
}

// judge asks the conditions and says what the rule does about it.
//
// Until counts as an answer of no to when, so that a rule does not come on while until is true. What is not known changes
// nothing: neither on nor off, and a delay that runs goes on, as the on-delay of ISA-18.2 does.
func (r *running) judge(now time.Time) step {
	when, ends := r.when.Eval(r.whenReading), false
	if r.until == nil {
		ends = when == sql.False
	} else if r.until.Eval(r.untilReading) == sql.True {
		when, ends = sql.False, true
	}
	r.judged = r.judged || when != sql.Unknown
	switch {
	case r.On && ends:
		return r.goOff(now)
	case r.On || when == sql.Unknown:
		return r.due(now)
	case when == sql.False:
		if !r.Began.IsZero() {
			r.Began, r.stale = time.Time{}, true
		}
		return r.sayOff()
	case r.Began.IsZero():
		r.Began, r.stale = now, true
	}
	return r.due(now)
}

// step is what a rule does now.
type step uint8

const (
	nothing step = iota
	comeOn
	goOff
	actAgain
	tellOff // the alarm of a rule with no past hears that it is off
)

// due is what time brings: coming on after `for`, acting again at `every`. Nothing before a reading has confirmed what was known
// before a restart.
func (r *running) due(now time.Time) step {
	at := r.next()
	if at.IsZero() || now.Before(at) {
		return nothing
	}
	if r.On {
		r.Acted, r.stale = now, true
		return actAgain
	}
	r.On, r.Since, r.Acted, r.Began, r.stale, r.fresh = true, now, now, time.Time{}, true, false
	return comeOn
}

// next is when due has something to do; zero: when a reading says so.
func (r *running) next() time.Time {
	switch {
	case !r.judged:
	case r.On && r.cfg.Every > 0:
		return r.Acted.Add(r.cfg.Every)
	case !r.On && !r.Began.IsZero():
		return r.Began.Add(r.cfg.For)
	}
	return time.Time{}
}

func (r *running) goOff(now time.Time) step {
	r.On, r.Since, r.Acted, r.Began, r.stale, r.fresh = false, now, time.Time{}, time.Time{}, true, false
	return goOff
}

func (r *running) sayOff() step {
	if !r.fresh {
		return nothing
	}
	r.fresh = false
	return tellOff
}

// wakes is when time alone makes the rule do something; zero: never. ahead is what the machine's clock is ahead of the time by which samples,
// and so windows, go.
func (r *running) wakes(ahead time.Duration) time.Time {
	if r.statement == nil {
		return r.next()
	}
	at, ok := r.statement.Next()
	at = at.Add(ahead)
	r.timed = r.timed || ok
	if every := r.ticked.Add(r.cfg.Every); r.cfg.Every > 0 && (!ok || every.Before(at)) {
		return every
	}
	if !ok {
		return time.Time{}
	}
	return at
}
