package wire

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// decode gives the samples of each name of a block.
func decode(t testing.TB, d *Decoder, block []byte) map[string][]telemetry.Sample {
	t.Helper()
	got := map[string][]telemetry.Sample{}
	err := d.Decode(block, func(name string, s telemetry.Sample) bool {
		got[name] = append(got[name], s)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// sorted gives the samples of each name as they should come out of a block: in their order, points counted by name.
func sorted(names []string, samples []telemetry.Sample) map[string][]telemetry.Sample {
	want := map[string][]telemetry.Sample{}
	for _, s := range samples {
		want[names[s.Point]] = append(want[names[s.Point]], s)
	}
	present := make([]string, 0, len(want))
	for name := range want {
		present = append(present, name)
	}
	slices.Sort(present)
	for i, name := range present {
		for k := range want[name] {
			want[name][k].Point = telemetry.PointID(i)
		}
	}
	return want
}

// checkRound encodes and decodes, as a whole and point by point.
func checkRound(t testing.TB, e *Encoder, d *Decoder, names []string, samples []telemetry.Sample) {
	t.Helper()
	block, err := e.AppendBlock([]byte("before"), names, samples)
	if err != nil {
		t.Fatal(err)
	}
	block = block[len("before"):]
	want, got := sorted(names, samples), decode(t, d, block)
	if len(want) != len(got) {
		t.Fatalf("%d points came out, want %d", len(got), len(want))
	}
	for name := range want {
		checkSame(t, name, got[name], want[name])
		var one []telemetry.Sample
		if err := d.Column(block, name, func(s telemetry.Sample) bool { one = append(one, s); return true }); err != nil {
			t.Fatal(err)
		}
		checkSame(t, "column "+name, one, want[name])
	}
	checkSummary(t, block, len(want), samples)
}

func checkSame(t testing.TB, name string, got, want []telemetry.Sample) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d samples came out, want %d", name, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: sample %d came out as %+v, want %+v", name, i, got[i], want[i])
		}
	}
}

func checkSummary(t testing.TB, block []byte, points int, samples []telemetry.Sample) {
	t.Helper()
	byTime := func(a, b telemetry.Sample) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	}
	want := Summary{Samples: len(samples), Points: points, From: slices.MinFunc(samples, byTime).Time, To: slices.MaxFunc(samples, byTime).Time}
	if got, err := Peek(block); err != nil || got != want {
		t.Fatalf("Peek: %+v, %v; want %+v", got, err, want)
	}
}

// hardValues are values that a codec gets wrong.
func hardValues() []telemetry.Value {
	values := []telemetry.Value{
		{}, telemetry.Bool(false), telemetry.Bool(true),
		telemetry.String(""), telemetry.String("running"), telemetry.String("\x00\xff"), telemetry.String(strings.Repeat("x", MaxText)),
	}
	for _, i := range []int64{0, 1, -1, 63, 64, -64, -65, 1 << 53, math.MaxInt64, math.MinInt64} {
		values = append(values, telemetry.Int64(i), telemetry.Uint64(uint64(i)))
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 21.7, 3 * 0.1, float64(float32(21.7)), 1e300, 5e-324, 1 << 53, 1<<53 + 2, 1 << 62, -1 << 63,
		math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7FF0000000000001), math.Float64frombits(0xFFF8DEADBEEF0001)} {
		values = append(values, telemetry.Float64(f))
	}
	return values
}

func TestEveryValueComesBackBitForBit(t *testing.T) {
	e, d := NewEncoder(Balanced), NewDecoder()
	values := hardValues()
	for i, v := range values { // alone, then beside every other
		checkRound(t, e, d, []string{"a.b"}, []telemetry.Sample{{Time: 5, Value: v}})
		var beside []telemetry.Sample
		for k := range values {
			beside = append(beside, telemetry.Sample{Time: int64(k), Value: v}, telemetry.Sample{Time: int64(k), Value: values[(i+k)%len(values)]})
		}
		checkRound(t, e, d, []string{"a.b"}, beside[:2*12])
	}
}

func TestEveryTimeComesBack(t *testing.T) {
	e, d := NewEncoder(Smallest), NewDecoder()
	for name, times := range map[string][]int64{
		"equal": {7, 7, 7}, "backward": {9, 5, 1}, "limits": {math.MaxInt64, math.MinInt64, 0, math.MaxInt64},
		"before 1970": {-5, -4}, "one late": {0, 1e9, 2e9, 3e12, 4e9, 5e9, 6e9, 7e9, 8e9, 9e9},
	} {
		t.Run(name, func(t *testing.T) {
			var samples []telemetry.Sample
			for i, time := range times {
				samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i % 2), Time: time, Value: telemetry.Int64(int64(i))})
			}
			checkRound(t, e, d, []string{"b", "a"}, samples)
		})
	}
}

func TestEveryQualityBitComesBack(t *testing.T) {
	var samples []telemetry.Sample
	for bit := range 32 {
		samples = append(samples, telemetry.Sample{Quality: 1 << bit}, telemetry.Sample{Quality: 1 << bit}, telemetry.Sample{})
	}
	checkRound(t, NewEncoder(Fastest), NewDecoder(), []string{"a"}, samples)
}

func anyValue() *rapid.Generator[telemetry.Value] {
	return rapid.OneOf(
		rapid.SampledFrom(slices.DeleteFunc(hardValues(), func(v telemetry.Value) bool { return len(v.Text()) > 1000 })),
		rapid.Map(rapid.Int64(), telemetry.Int64), rapid.Map(rapid.Uint64(), telemetry.Uint64),
		rapid.Map(rapid.Int64Range(-5000, 5000), func(i int64) telemetry.Value { return telemetry.Float64(float64(i) / 100) }),
		rapid.Map(rapid.Int64Range(-5000, 5000), func(i int64) telemetry.Value { return telemetry.Float64(float64(i) * 0.01) }),
		rapid.Map(rapid.Float32(), func(f float32) telemetry.Value { return telemetry.Float64(float64(f)) }),
		rapid.Map(rapid.Uint64(), func(u uint64) telemetry.Value { return telemetry.Float64(math.Float64frombits(u)) }),
		rapid.Map(rapid.StringN(0, 20, -1), telemetry.String),
	)
}

func TestAnythingComesBack(t *testing.T) {
	e, d := NewEncoder(Balanced), NewDecoder()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{1,3}\.[a-c]{1,5}`), 1, 20, rapid.ID[string]).Draw(t, "names")
		few := rapid.SliceOfN(anyValue(), 1, 4).Draw(t, "few")
		sample := rapid.Custom(func(t *rapid.T) telemetry.Sample {
			return telemetry.Sample{
				Point:   telemetry.PointID(rapid.IntRange(0, len(names)-1).Draw(t, "point")),
				Quality: rapid.SampledFrom([]telemetry.Quality{0, 0, 0, telemetry.BadTimeout, 0xFFFFFFFF}).Draw(t, "quality"),
				Time:    rapid.OneOf(rapid.Int64Range(0, 10), rapid.Int64()).Draw(t, "time"),
				Value:   rapid.OneOf(rapid.SampledFrom(few), anyValue()).Draw(t, "value"),
			}
		})
		samples := rapid.SliceOfN(sample, 1, 100).Draw(t, "samples")
		block, err := e.AppendBlock(nil, names, samples)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]telemetry.Sample{}
		if err := d.Decode(block, func(name string, s telemetry.Sample) bool { got[name] = append(got[name], s); return true }); err != nil {
			t.Fatal(err)
		}
		want := sorted(names, samples)
		if fmt.Sprint(len(want)) != fmt.Sprint(len(got)) {
			t.Fatalf("%d points came out, want %d", len(got), len(want))
		}
		for name := range want {
			if !slices.Equal(got[name], want[name]) {
				t.Fatalf("%s came out as %+v, want %+v", name, got[name], want[name])
			}
		}
	})
}
