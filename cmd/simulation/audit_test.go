package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/store/local"
	"github.com/penstock-edge/penstock/gateway/ledger"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// verdict is what is stored, held against what had to be.
type verdict struct {
	served, certain, stored, missing uint64 // samples; missing of those that were certain
	evicted, repeats                 uint64 // samples given up and declared; blocks that came again
	uncertain                        uint64 // samples whose time nobody could put right
	raised                           int    // alarms
	alarmsLost                       int    // records of them that had to give way
	faults                           []string
	misses                           []string // the first few
}

func (v *verdict) fault(format string, args ...any) { note(&v.faults, format, args...) }

// note keeps the first of many.
func note(list *[]string, format string, args ...any) {
	if len(*list) < 12 {
		*list = append(*list, fmt.Sprintf(format, args...))
	}
}

// audit looks at what the gateway and the cloud have left on disk.
func (s *site) audit(v *verdict) {
	store, err := local.Open(context.Background(), filepath.Join(s.data, "data"), local.Options{}, slog.New(slog.DiscardHandler))
	must(err)
	defer store.Close()
	for _, point := range []string{"count", "strokes", "level", "setpoint"} {
		s.samples(v, store, "press."+point)
	}
	s.ledger(v, store)
	s.alarms(v, store)
	if v.missing > v.evicted {
		v.fault("%d samples that were on the gateway's disk are not stored, and %d were declared: %s", v.missing, v.evicted, v.misses)
	}
	if !slices.IsSorted(s.plant.written) {
		v.fault("an older setpoint was written after a newer one: %v", s.plant.written)
	}
}

// samples compares a point's stored samples, in their order, with what was served.
func (s *site) samples(v *verdict, store *local.Store, point string) {
	of := s.model.of(point)
	last, doubtful := int64(0), []float64(nil)
	err := store.Range(context.Background(), cloud.Query{Thing: "plant7", Point: point}, func(one telemetry.Sample) bool {
		v.stored++
		if one.Time < last {
			v.fault("%s: the sample of %s is out of order", point, at(one.Time))
		}
		last = one.Time
		if one.Quality.IsBad() {
			return true // what the gateway says when nobody answers
		}
		f, _ := one.Value.Float()
		switch is := of.find(one.Time, f); {
		case is == nil && one.Quality.IsUncertain():
			doubtful = append(doubtful, f)
		case is == nil:
			v.fault("%s: %v (%v) of %s is stored and was never served", point, f, one.Quality, at(one.Time))
		case is.seen:
			v.fault("%s: %v of %s is stored twice", point, f, at(one.Time))
		default:
			is.seen = true
		}
		return true
	})
	must(err)
	for _, f := range doubtful {
		v.uncertain++
		if is := of.unseen(f); is != nil {
			is.seen = true
		} else {
			v.fault("%s: %v of uncertain time is stored and was never served, or twice", point, f)
		}
	}
	for _, one := range of.served {
		v.served++
		if !one.must {
			continue
		}
		v.certain++
		if !one.seen {
			v.missing++
			note(&v.misses, "%s=%v of %s read by gateway %d", point, one.value, at(one.time), one.by.number)
		}
	}
}

// ledger compares the cloud's list of gaps with the gateway's ledger. Where a crash took an acknowledgement with it, the gateway may call lost
// what is stored; nothing else may differ.
func (s *site) ledger(v *verdict, store *local.Store) {
	theirs, err := store.Ledger(context.Background(), "plant7")
	must(err)
	ours, stats := s.account()
	if stats.Records > 0 || stats.Dropped[buffer.Damaged].Records > 0 {
		v.fault("the buffer holds %d records, and %+v were damaged", stats.Records, stats.Dropped[buffer.Damaged])
	}
	if len(theirs.Epochs) != 1 || len(ours.Epochs) != 1 {
		v.fault("the buffer had several lives: %+v, %+v", theirs, ours)
		return
	}
	lost, gaps := map[uint64]bool{}, map[uint64]bool{}
	lostSamples, gapSamples := uint64(0), uint64(0)
	for _, r := range ours.Epochs[0].Gaps {
		fill(lost, r.From, r.To)
		lostSamples += r.Samples
		if r.Class == buffer.Alarm.String() {
			v.alarmsLost += int(r.To - r.From + 1)
		}
	}
	for _, g := range theirs.Epochs[0].Gaps {
		fill(gaps, g.From, g.To)
		gapSamples += g.Samples
		if g.Reason != buffer.Evicted {
			v.fault("a gap that nothing explains: %+v", g)
		}
	}
	if n := theirs.Epochs[0].StoredSamples; n != v.stored {
		v.fault("the cloud's ledger counts %d samples, and %d are stored", n, v.stored)
	}
	for seq := range lost {
		if gaps[seq] == s.shelf.stored[seq] {
			v.fault("record %d is lost, the gateway says; stored: %v, a gap: %v", seq, s.shelf.stored[seq], gaps[seq])
		}
	}
	for seq := range gaps {
		if !lost[seq] {
			v.fault("record %d is a gap, and the gateway's ledger does not know", seq)
		}
	}
	if len(lost) == len(gaps) && lostSamples != gapSamples {
		v.fault("the gateway's ledger has %d samples less, the cloud's %d", lostSamples, gapSamples)
	}
	v.repeats, v.evicted = theirs.Epochs[0].Repeats, max(lostSamples, gapSamples)
	if len(lost) > 0 && s.plan.room > roomy {
		v.fault("%d records were given up in a buffer with room for all", len(lost))
	}
}

func fill(set map[uint64]bool, from, to uint64) {
	for seq := from; seq <= to; seq++ {
		set[seq] = true
	}
}

// account is what the gateway says of itself.
func (s *site) account() (ledger.Account, buffer.Stats) {
	db, err := state.Open(s.state)
	must(err)
	defer db.Close()
	q, err := buffer.Open(filepath.Join(s.state, "buffer"), buffer.Options{Cursors: []string{"main"}})
	must(err)
	defer q.Close()
	l, err := ledger.Open(db, "main", q.Epoch(), q.Cursor("main"))
	must(err)
	return l.Account(), q.Stats()
}

// alarms: every event once, in order, each beginning where the one before it ended. Their times are as wrong as the clock was.
func (s *site) alarms(v *verdict, store *local.Store) {
	list, err := store.AlarmHistory(context.Background(), cloud.AlarmQuery{Thing: "plant7", Name: "level_high", Max: 1 << 20})
	must(err)
	slices.SortFunc(list, func(a, b cloud.AlarmRecord) int { return int(a.Sequence) - int(b.Sequence) })
	sequence, state, when, breaks := uint64(0), alarm.Normal, time.Time{}, 0
	for i, e := range list {
		if i == 0 {
			sequence = e.Sequence - e.Merged - 1 // it begins somewhere
		}
		if e.Sequence != sequence+e.Merged+1 || alarm.State(e.From) != state || e.Time.Before(when) && !s.misled {
			if breaks++; breaks > v.alarmsLost || e.Sequence <= sequence {
				v.fault("after event %d (%s, %v) comes %d (%s to %s, %v, %d merged)", sequence, state, when, e.Sequence, e.From, e.To, e.Time, e.Merged)
			}
		}
		sequence, state, when = e.Sequence, alarm.State(e.To), e.Time
		if e.Kind == string(alarm.Raised) {
			v.raised++
		}
	}
	if v.alarmsLost == 0 && state != alarm.Normal && state != alarm.Returned {
		v.fault("the level is low, and its alarm is %s", state)
	}
	if v.alarmsLost == 0 && v.raised < s.certain || v.raised > s.excursions {
		v.fault("the level was high %d times, %d of them undisturbed, and the alarm came %d times", s.excursions, s.certain, v.raised)
	}
}
