package storetest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// arranged tells a story once on a store that is left alone, once on one that is rearranged after every put, and once at the end.
func arranged(t *testing.T, open Open, story func(f *fixture, afterPut, atEnd func())) {
	t.Run("as it came", func(t *testing.T) {
		f := start(t, open)
		story(f, func() {}, func() {})
	})
	t.Run("rearranged always", func(t *testing.T) {
		f := start(t, open)
		story(f, f.compact, f.compact)
	})
	t.Run("rearranged at the end", func(t *testing.T) {
		f := start(t, open)
		story(f, func() {}, f.compact)
	})
}

func testRange(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		f.put("plant7", "A", 1, at(10, 1), at(11, 2), at(12, 3), of("q", 11, telemetry.Bool(true)))
		afterPut()
		f.put("plant7", "A", 2, at(11, 4), at(15, 5), at(13, 6)) // late, and backward within the block
		afterPut()
		f.put("plant7", "A", 3, at(5, 7), at(11, 8), at(11, 9)) // equal times: the order of arrival
		afterPut()
		f.put("plant7", "", 0, at(-3, 10), at(0, 11)) // a clock before 1970
		atEnd()
		q := cloud.Query{Thing: "plant7", Point: "p"}
		all := []reading{at(-3, 10), at(0, 11), at(5, 7), at(10, 1), at(11, 2), at(11, 4), at(11, 8), at(11, 9), at(12, 3), at(13, 6), at(15, 5)}
		f.wants(f.read(q), all...)

		q.From, q.To = second(10), second(15)
		f.wants(f.read(q), all[3:10]...)
		q.From, q.To = second(11), second(11)+1
		f.wants(f.read(q), all[4:8]...)
		q.From, q.To = second(11), second(11)
		f.wants(f.read(q))
		q.From, q.To = second(16), 0
		f.wants(f.read(q))
		q.From, q.To = 0, second(5)
		f.wants(f.read(q), all[:2]...)
		q.From, q.To = second(12), second(11)
		f.wants(f.read(q))

		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "q"}), of("q", 11, telemetry.Bool(true)))
		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "nothing"}))
		f.stopsWhenTold()
		if err := f.Range(f.t.Context(), cloud.Query{Thing: "nobody", Point: "p"}, nil); !errors.Is(err, cloud.ErrNotFound) {
			f.t.Errorf("range of an unknown thing: %v, want ErrNotFound", err)
		}
	})
}

func (f *fixture) stopsWhenTold() {
	f.t.Helper()
	calls := 0
	f.must(f.Range(f.t.Context(), cloud.Query{Thing: "plant7", Point: "p"}, func(telemetry.Sample) bool {
		calls++
		return calls < 3
	}))
	if calls != 3 {
		f.t.Errorf("Range went on for %d samples after it was told to stop at 3", calls)
	}
}

func second(s int64) int64 { return s * int64(time.Second) }

func testLast(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		var all []reading
		for block := range 40 {
			var readings []reading
			for i := range 250 {
				readings = append(readings, at(int64(block*250+i), float64(i)))
			}
			all = append(all, readings...)
			f.put("plant7", "A", uint64(block)+1, readings...)
			afterPut()
		}
		atEnd()
		q := cloud.Query{Thing: "plant7", Point: "p"}
		for _, n := range []int{1, 7, 250, 9_999, 10_000, 20_000} {
			q.Last = n
			f.wants(f.read(q), all[max(0, len(all)-n):]...)
		}
		q.Last, q.To = 5, second(5_000)
		f.wants(f.read(q), all[4_995:5_000]...)
		q.From = second(4_998)
		f.wants(f.read(q), all[4_998:5_000]...)

		f.put("plant7", "A", 100, at(3, 77), at(9_998, 88)) // late ones take their place by time
		afterPut()
		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p", Last: 3}), all[9_998], at(9_998, 88), all[9_999])
	})
}

func testValues(t *testing.T, open Open) {
	long := strings.Repeat("\u00e4\x00", 64<<10/3)
	values := []telemetry.Value{
		{}, telemetry.Bool(false), telemetry.Bool(true),
		telemetry.Int64(math.MinInt64), telemetry.Int64(-1), telemetry.Int64(0), telemetry.Int64(math.MaxInt64),
		telemetry.Uint64(0), telemetry.Uint64(math.MaxUint64),
		telemetry.Float64(0), telemetry.Float64(math.Copysign(0, -1)), telemetry.Float64(math.Inf(1)), telemetry.Float64(math.Inf(-1)),
		telemetry.Float64(math.SmallestNonzeroFloat64), telemetry.Float64(math.MaxFloat64), telemetry.Float64(0.1),
		telemetry.FromBits(telemetry.KindFloat64, 0x7FF8_0000_DEAD_BEEF), telemetry.FromBits(telemetry.KindFloat64, 0xFFF0_0000_0000_0001),
		telemetry.String(""), telemetry.String("\xff is no UTF-8"), telemetry.String(long), telemetry.String(strings.Repeat("x", 64<<10)),
	}
	qualities := []telemetry.Quality{telemetry.Good, telemetry.UncertainClock, telemetry.BadTimeout, 0x80AB1234}
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		var mixed, want []reading
		for i, v := range values {
			own := of(fmt.Sprintf("own%d", i), int64(i), v)
			own.Quality = qualities[i%len(qualities)]
			mixed = append(mixed, own)
			one := own
			one.point = "p"
			mixed, want = append(mixed, one), append(want, one)
		}
		f.put("plant7", "A", 1, mixed...)
		afterPut()
		edges := []reading{{"edge", telemetry.Sample{Time: math.MinInt64, Value: telemetry.Int64(1)}}, {"edge", telemetry.Sample{Time: math.MaxInt64}}}
		f.put("plant7", "A", 2, edges[0])
		afterPut()
		f.put("plant7", "A", 3, edges[1])
		atEnd()
		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "p"}), want...)
		for i, r := range want {
			f.wants(f.read(cloud.Query{Thing: "plant7", Point: fmt.Sprintf("own%d", i)}), r)
		}
		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "edge"}), edges...)
		f.wants(f.read(cloud.Query{Thing: "plant7", Point: "edge", Last: 1}), edges[1])
	})
}

// testRandom compares a store with a plain list, over blocks that overlap, run late, run backward and repeat times.
func testRandom(t *testing.T, open Open) {
	arranged(t, open, func(f *fixture, afterPut, atEnd func()) {
		f.gateway("plant7")
		random := rand.New(rand.NewPCG(3, 4))
		model := map[string][]reading{}
		for block := range 120 {
			var readings []reading
			start := int64(block * 30)
			if random.IntN(4) == 0 {
				start = random.Int64N(4000) // out of the backlog
			}
			for range 1 + random.IntN(200) {
				r := of(fmt.Sprintf("p%d", random.IntN(3)), start+random.Int64N(60), telemetry.Int64(random.Int64N(5)))
				readings = append(readings, r)
				model[r.point] = append(model[r.point], r)
			}
			f.put("plant7", "A", uint64(block)+1, readings...)
			if block%7 == 0 {
				afterPut()
			}
		}
		atEnd()
		for point, want := range model {
			slices.SortStableFunc(want, func(a, b reading) int { return int(a.Time - b.Time) })
			f.wants(f.read(cloud.Query{Thing: "plant7", Point: point}), want...)
			for range 20 {
				from, length := random.Int64N(4000), random.Int64N(500)
				q := cloud.Query{Thing: "plant7", Point: point, From: second(1 + from), To: second(1 + from + length)}
				part := slices.DeleteFunc(slices.Clone(want), func(r reading) bool { return r.Time < q.From || r.Time >= q.To })
				f.wants(f.read(q), part...)
				q.Last = 1 + random.IntN(100)
				f.wants(f.read(q), part[max(0, len(part)-q.Last):]...)
			}
		}
	})
}
