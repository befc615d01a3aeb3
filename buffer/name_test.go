package buffer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-edge/penstock/buffer"
)

// Whoever restores segments by hand may mix up their names. All of it is delivered, in order.
func TestSegmentsGetTheirOwnNamesBack(t *testing.T) {
	for name, renames := range map[string][][2]int{ // of one to another, by place; -1: a name that none has
		"in a circle":    {{0, -1}, {1, 0}, {2, 1}, {3, 2}, {-1, 3}},
		"the newest":     {{0, -1}, {4, 0}, {-1, 4}},
		"to a free name": {{2, -1}},
	} {
		dir := t.TempDir()
		q := open(t, dir, buffer.Options{SegmentBytes: 100})
		fill(t, q, 1, 25)
		closed(t, q)
		files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
		if err != nil || len(files) < 5 {
			t.Fatalf("%d segments: too few", len(files))
		}
		path := func(i int) string {
			switch {
			case i < 0:
				return filepath.Join(dir, "0000000000abcdef.seg")
			case i == 4:
				return files[len(files)-1]
			}
			return files[i]
		}
		for _, r := range renames {
			if err := os.Rename(path(r[0]), path(r[1])); err != nil {
				t.Fatal(err)
			}
		}
		q = open(t, dir, buffer.Options{})
		recs := all(t, q)
		for i, r := range recs {
			if r.Seq != uint64(i+1) || string(r.Data) != fmt.Sprintf("record %d", i+1) {
				t.Errorf("%s: record %d is %d %q", name, i+1, r.Seq, r.Data)
			}
		}
		if len(recs) != 25 || len(q.Losses()) > 0 {
			t.Errorf("%s: %d records, losses %v", name, len(recs), q.Losses())
		}
	}
}
