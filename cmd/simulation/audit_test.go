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
	"github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// verdict is what is stored, held against what had to be.
type verdict struct {
	served, certain, stored, missing uint64 // samples; missing of those that were certain
	evicted, repeats                 uint64 // samples given up and declared; blocks that came again
	raised                           int    // alarms
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
	seen, last := map[int64]bool{}, int64(0)
	err := store.Range(context.Background(), cloud.Query{Thing: "plant7", Point: point}, func(one telemetry.Sample) bool {
		v.stored++
		if seen[one.Time] || one.Time < last {
			v.fault("%s: the sample of %s is stored twice or out of order", point, at(one.Time))
		}
		seen[one.Time], last = true, one.Time
		if f, _ := one.Value.Float(); !one.Quality.IsBad() && (of.at[one.Time] == nil || of.at[one.Time].value != f) {
			v.fault("%s: %v of %s is stored and was never served", point, f, at(one.Time))
		}
		return true
	})
	must(err)
	for _, one := range of.served {
		v.served++
		if !one.must {
			continue
		}
		v.certain++
		if !seen[one.time] {
			v.missing++
			note(&v.misses, "%s=%v of %s read by gateway %d", point, one.value, at(one.time), one.by.number)
		}
	}
}

// ledger compares the cloud's list of gaps with what the buffer says that it gave up: all of that was declared, and a gap is what was declared
// and not stored. A record may be both, when its acknowledgement was still on the way while it had to give way.
func (s *site) ledger(v *verdict, store *local.Store) {
	ledger, err := store.Ledger(context.Background(), "plant7")
	must(err)
	q, err := buffer.Open(filepath.Join(s.state, "buffer"), buffer.Options{})
	must(err)
	defer q.Close()
	stats, samples := q.Stats(), uint64(0)
	if stats.Records > 0 || stats.Dropped[buffer.Damaged].Records > 0 {
		v.fault("the buffer holds %d records, and %+v were damaged", stats.Records, stats.Dropped[buffer.Damaged])
	}
	if len(ledger.Epochs) != 1 {
		v.fault("the buffer had %d lives: %+v", len(ledger.Epochs), ledger)
	}
	gaps := map[uint64]bool{}
	for _, e := range ledger.Epochs {
		samples, v.repeats = samples+e.StoredSamples, v.repeats+e.Repeats
		for _, g := range e.Gaps {
			v.gap(g, gaps)
		}
	}
	if samples != v.stored {
		v.fault("the ledger counts %d samples, and %d are stored", samples, v.stored)
	}
	for seq := range s.shelf.declared {
		if gaps[seq] == s.shelf.stored[seq] {
			v.fault("record %d was declared lost, and stored: %v, and is a gap: %v", seq, s.shelf.stored[seq], gaps[seq])
		}
		delete(gaps, seq)
	}
	dropped := stats.Dropped[buffer.Evicted]
	if n := len(s.shelf.declared); len(gaps) > 0 || uint64(n) != dropped.Records {
		v.fault("the gateway gave up %+v, declared %d, and these are gaps that it has not declared: %v", dropped, n, gaps)
	}
	if v.evicted = dropped.Samples; v.evicted > 0 && s.plan.room > roomy {
		v.fault("%d samples were given up in a buffer with room for all", v.evicted)
	}
}

func (v *verdict) gap(g cloud.Gap, gaps map[uint64]bool) {
	if g.Reason != buffer.Evicted {
		v.fault("a gap that nothing explains: %+v", g)
	}
	for seq := g.From; seq <= g.To; seq++ {
		gaps[seq] = true
	}
}

// alarms: every event once, in order, each beginning where the one before it ended.
func (s *site) alarms(v *verdict, store *local.Store) {
	list, err := store.AlarmHistory(context.Background(), cloud.AlarmQuery{Thing: "plant7", Name: "level_high", Max: 1 << 20})
	must(err)
	slices.SortFunc(list, func(a, b cloud.AlarmRecord) int { return int(a.Sequence) - int(b.Sequence) })
	sequence, state, when := uint64(0), alarm.Normal, time.Time{}
	for i, e := range list {
		if i == 0 {
			sequence = e.Sequence - e.Merged - 1 // it begins somewhere
		}
		if e.Sequence != sequence+e.Merged+1 || alarm.State(e.From) != state || e.Time.Before(when) {
			v.fault("after event %d (%s, %v) comes %d (%s to %s, %v, %d merged)", sequence, state, when, e.Sequence, e.From, e.To, e.Time, e.Merged)
		}
		sequence, state, when = e.Sequence, alarm.State(e.To), e.Time
		if e.Kind == string(alarm.Raised) {
			v.raised++
		}
	}
	if state != alarm.Normal && state != alarm.Returned {
		v.fault("the level is low, and its alarm is %s", state)
	}
	if v.raised < s.certain || v.raised > s.excursions {
		v.fault("the level was high %d times, %d of them undisturbed, and the alarm came %d times", s.excursions, s.certain, v.raised)
	}
}
