package wire

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

var update = flag.Bool("update", false, "rewrite the golden blocks: only when the format is given a new version")

// goldenNames name the blocks of seeds, which are kept in testdata as they were once written.
var goldenNames = []string{"scans", "deadband", "noise", "mixed", "single"}

// TestOldBlocksAreReadAndWrittenTheSame fails when the format changes unseen. A new zstd may compress otherwise, so that
// what is compared is what it compressed.
func TestOldBlocksAreReadAndWrittenTheSame(t *testing.T) {
	for i, name := range goldenNames {
		path := filepath.Join("testdata", name+".block")
		if *update {
			writeGolden(t, path, seeds(t)[i])
		}
		block, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names, samples, text := listing(t, block)
		if want, err := os.ReadFile(path + ".txt"); err != nil || text != string(want) {
			t.Errorf("%s does not say any more what %s.txt says: %v", path, path, err)
		}
		again, err := NewEncoder(Balanced).AppendBlock(nil, names, samples)
		if err != nil {
			t.Fatal(err)
		}
		wantHead, want := sections(t, block)
		gotHead, got := sections(t, again)
		if gotHead != wantHead {
			t.Errorf("%s: header is %+v now, was %+v", path, gotHead, wantHead)
		}
		for k, section := range [...]string{"index", "times", "values"} {
			if !bytes.Equal(got[k], want[k]) {
				t.Errorf("%s: %s are written in %d bytes now, were in %d", path, section, len(got[k]), len(want[k]))
			}
		}
	}
}

// listing gives what is in a block, also as lines.
func listing(t *testing.T, block []byte) (names []string, samples []telemetry.Sample, text string) {
	var lines bytes.Buffer
	err := NewDecoder().Decode(block, func(name string, s telemetry.Sample) bool {
		if len(names) == int(s.Point) {
			names = append(names, name)
		}
		samples = append(samples, s)
		fmt.Fprintf(&lines, "%s %d %08x %s %x %q\n", name, s.Time, uint32(s.Quality), s.Value.Kind(), s.Value.Bits(), s.Value.Text())
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, samples, lines.String()
}

func writeGolden(t *testing.T, path string, block []byte) {
	t.Helper()
	_, _, text := listing(t, block)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{path: block, path + ".txt": []byte(text)} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
