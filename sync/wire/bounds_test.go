package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestWhatNoBlockCanHoldIsRefused(t *testing.T) {
	one := []telemetry.Sample{{Value: telemetry.Int64(1)}}
	texts := make([]telemetry.Sample, 300)
	for i := range texts {
		texts[i].Value = telemetry.String(fmt.Sprint(i, strings.Repeat("x", MaxText-10)))
	}
	for _, c := range []struct {
		want    string
		names   []string
		samples []telemetry.Sample
	}{
		{"at least one sample", []string{"a"}, nil},
		{"encode fewer", []string{"a"}, make([]telemetry.Sample, MaxSamples+1)},
		{"encode fewer", []string{"a"}, texts},
		{"is a text of 65537 bytes", []string{"a"}, []telemetry.Sample{{Value: telemetry.String(strings.Repeat("x", MaxText+1))}}},
		{"sample 0 is of point 1", []string{"a"}, []telemetry.Sample{{Point: 1}}},
		{"no value", []string{"a"}, []telemetry.Sample{{Value: telemetry.FromBits(telemetry.KindBool, 2)}}},
		{"no value", []string{"a"}, []telemetry.Sample{{Value: telemetry.FromBits(6, 2)}}},
		{"0 bytes", []string{""}, one},
		{"256 bytes", []string{strings.Repeat("a", 256)}, one},
		{"the same name", []string{"b", "a", "b"}, one},
	} {
		block, err := NewEncoder(Balanced).AppendBlock([]byte("before"), c.names, c.samples)
		if err == nil || !strings.Contains(err.Error(), c.want) || string(block) != "before" {
			t.Errorf("error %v, want one with %q; %d bytes came back", err, c.want, len(block))
		}
	}
}

func TestSampleErrorSaysWhichSample(t *testing.T) {
	_, err := NewEncoder(Balanced).AppendBlock(nil, []string{"a"}, []telemetry.Sample{{}, {Point: 7}})
	if refused := (*SampleError)(nil); !errors.As(err, &refused) || refused.Index != 1 {
		t.Errorf("error %v, want a *SampleError for sample 1", err)
	}
}

func TestLargestBlockComesBack(t *testing.T) {
	samples := make([]telemetry.Sample, MaxSamples)
	for i := range samples {
		samples[i] = telemetry.Sample{Time: int64(i) * 1e9, Value: telemetry.Int64(int64(i) * 0x9E3779B97F4A7C1)}
	}
	block, err := NewEncoder(Balanced).AppendBlock(nil, []string{"a"}, samples)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = NewDecoder().Decode(block, func(_ string, s telemetry.Sample) bool {
		if s != samples[n] {
			t.Fatalf("sample %d came out as %+v", n, s)
		}
		n++
		return true
	})
	if err != nil || n != len(samples) {
		t.Fatalf("%d samples came out, %v", n, err)
	}
}

func TestDamagedBlocksAreRefused(t *testing.T) {
	block := seeds(t)[0]
	none := func(string, telemetry.Sample) bool { t.Error("a sample came out"); return false }
	d := NewDecoder()
	for i := range block {
		for _, bad := range [][]byte{block[:i], append(append(append([]byte{}, block[:i]...), block[i]^1), block[i+1:]...)} {
			if _, err := Peek(bad); err == nil {
				t.Fatalf("Peek takes a block damaged at byte %d", i)
			}
			if err := d.Decode(bad, none); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNotBlock) && !errors.Is(err, ErrVersion) {
				t.Fatalf("a block damaged at byte %d: %v", i, err)
			}
		}
	}
}

func TestStoppingEarlyIsNoError(t *testing.T) {
	block := seeds(t)[0]
	n := 0
	if err := NewDecoder().Decode(block, func(string, telemetry.Sample) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("%d samples, %v", n, err)
	}
	if err := NewDecoder().Column(block, "no.such", func(telemetry.Sample) bool { t.Error("a sample came out"); return true }); err != nil {
		t.Error(err)
	}
}

// TestBombsStayBounded feeds small blocks that claim as much as they may.
func TestBombsStayBounded(t *testing.T) {
	z := newCompressor(Fastest)
	one := header{Summary: Summary{Samples: MaxSamples, Points: 1, To: MaxSamples - 1}}
	size := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	index := func(form byte, values int) []byte {
		return append(append(append([]byte{0, 1, 'a', form}, size(MaxSamples)...), 0), size(values)...)
	}
	clock := append(append([]byte{1}, size(MaxSamples)...), 0, seqStep, 2)
	names, before := []byte(nil), ""
	for i := range MaxPoints {
		name := fmt.Sprintf("%0*d", MaxName, i)
		names, before = appendName(names, name, before), name
	}
	for name, block := range map[string][]byte{
		"a million of the same":   sealed(z, one, index(byte(telemetry.KindInt64), 3), clock, []byte{0, seqStep, 0}),
		"a million of nothing":    sealed(z, one, index(byte(telemetry.KindNone), 0), clock, nil),
		"two million of the same": sealed(z, one, index(byte(telemetry.KindInt64), 9), append([]byte{2}, clock[1:]...), make([]byte, 9)),
		"megabytes of names":      sealed(z, header{Summary: Summary{Samples: MaxSamples, Points: MaxPoints, To: MaxSamples - 1}}, names, clock, nil),
		"16 MiB of zeros":         sealed(z, one, make([]byte, MaxBody), nil, nil),
		"a million one-long runs": sealed(z, one, index(byte(formMixed), 2*MaxSamples), clock, []byte(strings.Repeat("\x00\x01", MaxSamples))),
		"a million texts":         sealed(z, one, index(byte(telemetry.KindString), 6+MaxSamples), clock, append(size(MaxSamples), make([]byte, MaxSamples+3)...)),
		"a million own times":     sealed(z, one, index(byte(telemetry.KindNone)|byte(timesOwn), 3), clock, []byte{0, seqStep, 2}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n := 0
		err := NewDecoder().Decode(block, func(string, telemetry.Sample) bool { n++; return true })
		runtime.ReadMemStats(&after)
		got := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: block of %d bytes, %d samples, %d MiB allocated, %v", name, len(block), n, got, err)
		if got > 128 || n > MaxSamples {
			t.Errorf("%s: %d samples, %d MiB allocated", name, n, got)
		}
	}
}
