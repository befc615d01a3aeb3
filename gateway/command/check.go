package command

import (
	"math"
	"time"

	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// visit is one order at the moment it is looked at. Who holds the point's turn makes it.
type visit struct {
	order Order
	plant *plant
	place *place
	now   time.Time
	last  time.Time        // of the last write to the point; zero: none
	floor time.Time        // what was issued until then may have been done without a record of it being left
	reads telemetry.Sample // the point

	value telemetry.Value // what is to be written
	held  telemetry.Value // what the point will read then
}

// check is nil when the order may be carried out now. It fills in what is to be written.
func (v *visit) check() error {
	for _, rule := range []func() error{v.access, v.listed, v.clock, v.expiry, v.fit, v.inRange, v.pace, v.step, v.interlocked} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) access() error {
	if v.place.Access != "rw" {
		return refuse(NotWritable, "%s is read only; give it access: rw in the configuration to allow writing", v.order.Point)
	}
	return nil
}

func (v *visit) listed() error {
	if v.place.listed[v.order.Channel] {
		return nil
	}
	list := "commands"
	if v.order.Channel == Shadow {
		list = "shadow"
	}
	return refuse(NotListed, "the cloud may not write %s this way; name it in the target's list `%s:` in the configuration to allow it", v.order.Point, list)
}

// maxAhead is how far the clocks of two honest machines may be apart.
const maxAhead = time.Minute

func (v *visit) clock() error {
	if ahead := v.order.Issued.Sub(v.now); ahead > maxAhead {
		return refuse(WrongClock, "the order is dated %s in the future (%s, and here it is %s): set the clocks of both ends", ahead.Round(time.Second), stamp(v.order.Issued), stamp(v.now))
	}
	return nil
}

// defaultTTL is how long an order may wait for which nobody said.
const defaultTTL = time.Minute

// deadline is when an order may no longer be written.
func (p *place) deadline(o Order) time.Time {
	if !o.Expires.IsZero() {
		return o.Expires
	}
	ttl := p.Guard.TTL
	if ttl <= 0 {
		ttl = defaultTTL
	}
	return o.Issued.Add(ttl)
}

func (v *visit) expiry() error {
	if until := v.place.deadline(v.order); v.now.After(until) {
		return refuse(Expired, "the order came too late: it was good until %s, and now it is %s; ask again if it is still wanted", stamp(until), stamp(v.now))
	}
	// A shadow has versions of its own, and its desired state is true however old it is.
	if v.order.Channel == Command && !v.order.Issued.After(v.floor) && !v.floor.After(v.now) {
		return refuse(Expired, "the order is of %s, and which orders were done before %s is no longer known; ask again if it is still wanted", stamp(v.order.Issued), stamp(v.floor))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (v *visit) fit() (err error) {
	v.value, v.held, err = v.place.resolve(v.order, v.reads)
	return err
}

func (v *visit) inRange() error {
	r := v.place.Range
	if r == nil {
		return nil
	}
	f, ok := v.value.Float()
	if !ok {
		return refuse(WrongType, "%q is no number, and %s has the range %v..%v", clip(v.value.String()), v.order.Point, r.Min, r.Max)
	}
	if !(f >= r.Min && f <= r.Max) {
		return refuse(OutOfRange, "%s is outside %s's range: write %v..%v %s", v.value.Short(), v.order.Point, r.Min, r.Max, v.place.Unit)
	}
	return nil
}

func (v *visit) pace() error {
	every := v.place.Guard.Every
	if every <= 0 || v.last.IsZero() {
		return nil
	}
	since := v.now.Sub(v.last)
	if left := every - since; left > 0 && since > -maxAhead { // what lies far ahead was written by a clock that was wrong
		return refuse(TooSoon, "%s may be written every %s: try again in %s", v.order.Point, every, left.Round(time.Millisecond))
	}
	return nil
}

func (v *visit) step() error {
	most := v.place.Guard.Step
	if most <= 0 {
		return nil
	}
	now, known := v.reads.Value.Float()
	if !known || v.reads.Quality.IsBad() {
		return refuse(NoReading, "%s may change by at most %v at a time, and what it reads now is not known (%s): wait until it is read", v.order.Point, most, v.reads.Quality)
	}
	to, ok := v.value.Float()
	if !ok {
		return refuse(WrongType, "%q is no number, and %s may change by at most %v at a time", clip(v.value.String()), v.order.Point, most)
	}
	if math.Abs(to-now) > most*(1+1e-9) {
		return refuse(StepTooBig, "%s reads %s and may change by at most %v at a time: write %.7g first", v.order.Point, v.reads.Value.Short(), most, now+math.Copysign(most, to-now))
	}
	return nil
}

// interlocked asks the condition over the newest samples. Not knowing is a no.
func (v *visit) interlocked() error {
	c := v.place.interlock
	if c == nil {
		return nil
	}
	answer := c.Eval(func(i int) (telemetry.Value, telemetry.Quality) {
		s := v.plant.now(v.place.needs[i])
		return s.Value, s.Quality
	})
	switch answer {
	case sql.True:
		return nil
	case sql.False:
		return refuse(Interlock, "%s may be written only while %s, which is not so (%s)", v.order.Point, c, v.state())
	}
	return refuse(Interlock, "%s may be written only while %s, which is not known (%s): wait until it is read", v.order.Point, c, v.state())
}

// state tells what an interlock's points read.
func (v *visit) state() (text string) {
	for i, name := range v.place.interlock.Points() {
		if i > 0 {
			text += ", "
		}
		if s := v.plant.now(v.place.needs[i]); s.Quality.IsBad() {
			text += name + " is " + s.Quality.String()
		} else {
			text += name + " is " + clip(s.Value.Short())
		}
	}
	return text
}
