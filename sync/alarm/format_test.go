package alarm_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/alarm"
)

//go:embed FORMAT.md
var formatDocument string

// TestFormatExample: the example in FORMAT.md is what this code reads and writes, byte for byte.
func TestFormatExample(t *testing.T) {
	_, example, ok := strings.Cut(formatDocument, "\n    ")
	example = strings.TrimSpace(example)
	a, err := alarm.Decode([]byte(example), alarm.Config{})
	if !ok || err != nil {
		t.Fatalf("%q: %v", example, err)
	}
	if got := string(a.Encode()); got != example || a.State() != alarm.Unacknowledged || a.Severity() != alarm.High {
		t.Errorf("%s, %v, written %s", a.State(), a.Severity(), got)
	}
}
