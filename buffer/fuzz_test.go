package buffer

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(appendRecord(nil, Record{Seq: 7, Class: Keep, Samples: 3, Data: []byte("one")}), Record{Seq: 8, Class: Keep, Data: []byte("two")}), uint64(7))
	f.Add(make([]byte, 64), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, seq uint64) {
		seq = max(1, seq>>1)
		r, rest, err := parseRecord(b, seq, Keep)
		if err == nil && !bytes.Equal(append(appendRecord(nil, r), rest...), b) {
			t.Errorf("%x does not come back as it was", b)
		}
		if next, _ := resync(b, seq, seq+5, Keep); next <= seq || next > seq+6 {
			t.Errorf("resync from %d goes to %d", seq, next)
		}
	})
}

func FuzzPageKey(f *testing.F) {
	f.Add((&page{first: 1, count: 2, class: Normal, samples: 3, bytes: 24, time: 5}).key())
	f.Add((&page{first: 8, count: 2, class: Alarm, level: 3, all: true, slots: 6, prevs: []uint64{0, 7}, samples: 3, bytes: 24, time: 5}).key())
	f.Fuzz(func(t *testing.T, k []byte) {
		if p, err := parsePage(k); err == nil && !bytes.Equal(p.key(), k) {
			t.Errorf("%x does not come back as it was", k)
		}
	})
}

// FuzzInspect surveys whole files, and takes what it finds through a recovery: no panic, no end that does not come, no
// page that lies outside of the file.
func FuzzInspect(f *testing.F) {
	dir := f.TempDir()
	q, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := q.Append(f.Context(), Record{Class: Normal, Data: []byte("one")}, Record{Class: Alarm, Data: []byte("two")}); err != nil {
		f.Fatal(err)
	}
	if err := q.Journal(f.Context(), []byte("entry"), 1); err != nil {
		f.Fatal(err)
	}
	if err := q.Close(); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "0000000000000001.seg"))
	if err != nil {
		f.Fatal(err)
	}
	b = b[:min(len(b), 16*boltPage)] // the rest has never been written to
	f.Add(b)
	f.Add(b[:5*boltPage])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := surveyBytes(bytes.NewReader(b), uint64(len(b)), 1, 1+span)
		if err != nil {
			return
		}
		last := uint64(0)
		for _, p := range s.pages {
			if p.at < 0 || uint64(p.at)+uint64(p.bytes) > uint64(len(b)) || p.first <= last {
				t.Errorf("page %+v of a file of %d bytes", p, len(b))
			}
			last = p.last()
		}
	})
}
