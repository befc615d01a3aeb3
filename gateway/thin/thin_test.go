package thin_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/thin"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plant is blocks of five seconds of so many points, a sample a second, from a full minute on.
func plant(t testing.TB, points, blocks int) (recs []buffer.Record) {
	t.Helper()
	dice := rand.New(rand.NewPCG(1, 2))
	e := wire.NewEncoder(wire.Balanced)
	var names []string
	for p := range points {
		names = append(names, fmt.Sprintf("press%d.temp", p))
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for n := range blocks {
		var samples []telemetry.Sample
		for range 5 {
			for p := range points {
				s := telemetry.Sample{Point: telemetry.PointID(p), Time: at, Value: telemetry.Float64(math.Round(dice.NormFloat64()*100) / 10)}
				samples = append(samples, s)
			}
			at += int64(time.Second)
		}
		block, err := e.AppendBlock(nil, names, samples)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, buffer.Record{Seq: uint64(n + 1), Class: buffer.Normal, Samples: uint32(len(samples)), Data: block})
	}
	return recs
}

// series is every point's samples, across all blocks.
func series(t testing.TB, recs []buffer.Record) map[string][]telemetry.Sample {
	t.Helper()
	all := map[string][]telemetry.Sample{}
	for _, r := range recs {
		n := uint32(0)
		err := wire.NewDecoder().Decode(r.Data, func(name string, s telemetry.Sample) bool {
			s.Point = 0
			all[name] = append(all[name], s)
			n++
			return true
		})
		if err != nil || n != r.Samples || n == 0 {
			t.Fatalf("block %d has %d samples, says %d, %v", r.Seq, n, r.Samples, err)
		}
	}
	return all
}

func floats(samples []telemetry.Sample) (list []float64) {
	for _, s := range samples {
		f, _ := s.Value.Float()
		list = append(list, f)
	}
	return list
}

// Every sample that stays is one that was there, and those of each span have its first, least, greatest and last.
func TestWhatStaysWasMeasured(t *testing.T) {
	recs := plant(t, 20, 200) // a thousand seconds
	fine, thinner, before := series(t, recs), &thin.Thinner{}, recs
	for level, span := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour} {
		out, err := thinner.Blocks(level+1, before)
		if err != nil {
			t.Fatal(err)
		}
		coarse := series(t, out)
		for name, all := range fine {
			left := coarse[name]
			for _, s := range left {
				if !slices.Contains(all, s) {
					t.Fatalf("level %d: %s has %+v, which nobody measured", level+1, name, s)
				}
			}
			for from := 0; from < len(all); {
				to := from
				in := func(s telemetry.Sample) bool { return s.Time/int64(span) == all[from].Time/int64(span) }
				for to < len(all) && in(all[to]) {
					to++
				}
				was, is := all[from:to], slices.DeleteFunc(slices.Clone(left), func(s telemetry.Sample) bool { return !in(s) })
				if is[0] != was[0] || is[len(is)-1] != was[len(was)-1] || slices.Max(floats(is)) != slices.Max(floats(was)) || slices.Min(floats(is)) != slices.Min(floats(was)) {
					t.Fatalf("level %d: %s had %v, has %v", level+1, name, floats(was), floats(is))
				}
				if most := 4 + 720; len(is) > most || len(is) < 2 {
					t.Fatalf("level %d: %d samples are left of a span", level+1, len(is))
				}
				from = to
			}
		}
		a, b := size(before), size(out)
		t.Logf("level %d: %d samples in %d bytes become %d in %d", level+1, a[0], a[1], b[0], b[1])
		if b[0] >= a[0] || b[1] >= a[1] {
			t.Errorf("level %d gains nothing", level+1)
		}
		before = out
	}
}

func size(recs []buffer.Record) (n [2]int) {
	for _, r := range recs {
		n[0], n[1] = n[0]+int(r.Samples), n[1]+len(r.Data)
	}
	return n
}

// A change of quality, a text, and what is no block stay.
func TestWhatCannotBeThinnedStays(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	var samples []telemetry.Sample
	for i := range 9 {
		s := telemetry.Sample{Time: at + int64(i)*int64(time.Second), Value: telemetry.Int64(int64(i % 2))}
		if i == 4 {
			s.Quality = telemetry.BadOutOfRange
		}
		samples = append(samples, s)
	}
	block, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, []string{"press.temp"}, samples)
	if err != nil {
		t.Fatal(err)
	}
	odd := buffer.Record{Seq: 2, Data: []byte("an entry of another version")}
	out, err := (&thin.Thinner{}).Blocks(1, []buffer.Record{{Seq: 1, Samples: 9, Data: block}, odd})
	if err != nil || string(out[1].Data) != string(odd.Data) {
		t.Fatalf("%v, %q", err, out[1].Data)
	}
	left := series(t, out[:1])["press.temp"]
	if len(left) != 7 || !slices.ContainsFunc(left, func(s telemetry.Sample) bool { return s == samples[4] }) || left[2] != samples[3] {
		t.Errorf("left are %v", left)
	}
}

// BenchmarkBlocks: a page's worth of blocks of 1,000 points.
func BenchmarkBlocks(b *testing.B) {
	recs := plant(b, 1000, 60)
	n, thinner := 0, &thin.Thinner{}
	for b.Loop() {
		out, err := thinner.Blocks(1, recs)
		if err != nil {
			b.Fatal(err)
		}
		n += size(recs)[0]
		b.ReportMetric(float64(size(recs)[0])/float64(size(out)[0]), "x-fewer")
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
}
