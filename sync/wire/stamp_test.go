package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

const hour = int64(3600_000_000_000)

func stampOf(offset int64) Stamp {
	return Stamp{Boot: Boot{0x47, 0x8d, 0x7f, 0x82, 15: 0x96}, Doubt: 3, Offset: offset}
}

// flat are the samples of a block, one point's after the other's.
func flat(t *testing.T, block []byte) (list []telemetry.Sample) {
	t.Helper()
	err := NewDecoder().Decode(block, func(_ string, s telemetry.Sample) bool { list = append(list, s); return true })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestABlockInDoubtIsMarkedUntilItIsSettled(t *testing.T) {
	names, samples := formatExample()
	block, err := NewEncoder(Balanced).AppendBlock(nil, names, samples)
	if err != nil {
		t.Fatal(err)
	}
	before := flat(t, block)
	stamp := stampOf(-56 * 365 * 24 * hour)
	doubted, err := Doubt(block, stamp)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Peek(doubted)
	if err != nil || sum.Stamp != stamp || sum.Samples != len(samples) {
		t.Errorf("it says %+v, %v", sum, err)
	}
	for i, s := range flat(t, doubted) {
		want := before[i]
		want.Quality = map[telemetry.Quality]telemetry.Quality{telemetry.Good: telemetry.UncertainClock, telemetry.BadTimeout: telemetry.BadTimeout}[want.Quality]
		if s != want {
			t.Errorf("in doubt it is %+v, want %+v", s, want)
		}
	}
	n := 0
	err = NewDecoder().Column(doubted, names[0], func(s telemetry.Sample) bool { n++; return s.Quality == telemetry.UncertainClock })
	if err != nil || n != 3 {
		t.Errorf("its column has %d marked samples, %v", n, err)
	}

	settled, err := Settle(doubted, stamp.Offset+72*hour)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range flat(t, settled) {
		want := before[i]
		want.Time += 72 * hour
		if s != want {
			t.Errorf("settled it is %+v, want %+v", s, want)
		}
	}
	back, err := Settle(doubted, stamp.Offset)
	if err != nil || !bytes.Equal(back, block) {
		t.Errorf("a clock that was right all the time has changed the block: %v", err)
	}
	if same, err := Settle(block, 5); err != nil || !bytes.Equal(same, block) {
		t.Errorf("a block without a stamp has changed: %v", err)
	}
}

func TestStampsThatMakeNoSenseAreRefused(t *testing.T) {
	names, samples := formatExample()
	block, err := NewEncoder(Balanced).AppendBlock(nil, names, samples)
	if err != nil {
		t.Fatal(err)
	}
	doubted, err := Doubt(block, stampOf(0))
	if err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() ([]byte, error){
		"a second stamp":       func() ([]byte, error) { return Doubt(doubted, stampOf(1)) },
		"a stamp of no doubt":  func() ([]byte, error) { return Doubt(block, Stamp{Offset: 1}) },
		"no block":             func() ([]byte, error) { return Doubt(block[1:], stampOf(1)) },
		"nothing to settle":    func() ([]byte, error) { return Settle(nil, 1) },
		"a time beyond 64 bit": func() ([]byte, error) { return Settle(doubted, math.MaxInt64-samples[3].Time) },
	} {
		if out, err := do(); err == nil {
			t.Errorf("%s gives %d bytes and no error", what, len(out))
		}
	}
	none := slices.Clone(doubted)
	copy(none[headerSize+16:], make([]byte, 4))
	sign(none)
	for what, b := range map[string][]byte{"doubt 0": none, "a stamp that is cut": doubted[:headerSize+stampSize-1]} {
		if _, err := Peek(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
	}
}

// TestFormatsStampIsTrue: the example of FORMAT.md is the stamp on the example block.
func TestFormatsStampIsTrue(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```stamp\n")
	text, _, found := strings.Cut(rest, "```")
	var digits strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	want, err := hex.DecodeString(digits.String())
	if err != nil || !found {
		t.Fatalf("FORMAT.md has no stamp that can be read: %v", err)
	}
	got, err := Doubt(exampleBytes(t), stampOf(123456789))
	if err != nil || !bytes.Equal(got[:headerSize+stampSize], want) {
		t.Errorf("the example in doubt begins\n% x, %v\nFORMAT.md has\n% x", got[:headerSize+stampSize], err, want)
	}
}

func FuzzSettle(f *testing.F) {
	for _, block := range seeds(f) {
		doubted, err := Doubt(block, stampOf(hour))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doubted, int64(72*hour))
	}
	d, e := NewDecoder(), NewEncoder(Fastest)
	f.Fuzz(func(t *testing.T, block []byte, offset int64) {
		if len(block) > headerSize {
			block = slices.Clone(block)
			sign(block)
		}
		if settled, err := Settle(block, offset); err == nil {
			checkAgain(t, d, e, settled)
		}
	})
}
