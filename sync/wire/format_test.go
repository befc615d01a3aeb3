package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// formatExample is what FORMAT.md's worked example holds.
func formatExample() (names []string, samples []telemetry.Sample) {
	names = []string{"press.oil_temp", "press.running"}
	const start = 1_795_377_600_000_000_000 // 2026-11-22T20:00:00Z
	at := func(second int64, point telemetry.PointID, v telemetry.Value, q telemetry.Quality) {
		samples = append(samples, telemetry.Sample{Point: point, Quality: q, Time: start + second*1e9, Value: v})
	}
	at(0, 0, telemetry.Float64(61.5), telemetry.Good)
	at(0, 1, telemetry.Bool(true), telemetry.Good)
	at(1, 0, telemetry.Float64(61.5), telemetry.Good)
	at(1, 1, telemetry.Value{}, telemetry.BadTimeout)
	at(2, 0, telemetry.Float64(61.7), telemetry.Good)
	return names, samples
}

// exampleBytes are the bytes of FORMAT.md's fenced blocks that are marked hex; what stands behind a # is words.
func exampleBytes(t *testing.T) []byte {
	t.Helper()
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for i, part := range strings.Split(string(doc), "```") {
		text, marked := strings.CutPrefix(part, "hex\n")
		if i%2 == 0 || !marked {
			continue
		}
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	block, err := hex.DecodeString(digits.String())
	if err != nil || len(block) == 0 {
		t.Fatalf("FORMAT.md has no example that can be read: %v", err)
	}
	return block
}

func TestFormatsExampleIsTrue(t *testing.T) {
	names, samples := formatExample()
	block := exampleBytes(t)
	got, err := NewEncoder(Balanced).AppendBlock(nil, names, samples)
	if err != nil || !bytes.Equal(got, block) {
		t.Errorf("the encoder gives\n% x, %v\nFORMAT.md has\n% x", got, err, block)
	}
	out := decode(t, NewDecoder(), block)
	for name, want := range sorted(names, samples) {
		checkSame(t, name, out[name], want)
	}
}
