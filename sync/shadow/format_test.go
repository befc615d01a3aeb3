package shadow_test

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/shadow"
)

//go:embed FORMAT.md
var formatDocument string

// TestFormatExamples: the examples in FORMAT.md are what this code reads and writes, byte for byte.
func TestFormatExamples(t *testing.T) {
	var seen int
	for line := range strings.Lines(formatDocument) {
		example, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok {
			continue
		}
		seen++
		var again []byte
		var err error
		if strings.Contains(example, "synced") {
			var b shadow.Base
			b, err = shadow.DecodeBase([]byte(example))
			again = b.Encode()
		} else {
			var d shadow.Document
			d, err = shadow.Decode([]byte(example))
			again = d.Encode()
		}
		if err != nil || string(again) != example {
			t.Errorf("%v\nexample %s\nwritten %s", err, example, again)
		}
	}
	if seen != 3 {
		t.Errorf("saw %d examples", seen)
	}
}

func TestStoredByOthersIsRefused(t *testing.T) {
	for _, stored := range []string{``, `{}`, `[]`, `{"format":2,"version":1,"state":{},"times":{}}`, `{"format":1,"version":-1,"state":{},"times":{}}`,
		`{"format":1,"version":1}`, `{"format":1,"version":1,"state":{"desired":{"a":1}},"times":{}}`, `{"format":1,"version":1,"state":{"desired":{"a":1}},"times":{"desired":{"b":1}}}`,
		`{"format":1,"version":1,"state":{"desired":{"a":null}},"times":{"desired":{"a":1}}}`, `{"format":1,"version":1,"state":{"desired":5},"times":{}}`} {
		if d, err := shadow.Decode([]byte(stored)); err == nil {
			t.Errorf("%s is read as %+v", stored, d)
		}
	}
	if _, err := shadow.DecodeBase([]byte(`{"format":1,"synced":1,"local_version":1,"cloud_version":1,"local":{}}`)); err == nil {
		t.Error("a base that is neither synced nor not")
	}
}
