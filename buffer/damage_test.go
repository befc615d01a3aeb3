package buffer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// plain is a folder as a gateway leaves it: three classes, some of it acknowledged, a journal.
type plain struct {
	dir   string
	files []string                 // of its segments
	recs  map[uint64]buffer.Record // that are to be delivered
	at    map[uint64]string        // by number: the file it is in
}

// newPlain makes one of so many segments.
func newPlain(t *testing.T) *plain {
	t.Helper()
	p := &plain{dir: t.TempDir(), recs: map[uint64]buffer.Record{}, at: map[uint64]string{}}
	q := open(t, p.dir, buffer.Options{SegmentBytes: 6000})
	for i := range 60 {
		if err := q.Journal(t.Context(), fmt.Appendf(nil, "entry %d", i), 1); err != nil {
			t.Fatal(err)
		}
		r := buffer.Record{Class: buffer.Class(i % 3), Samples: uint32(i%5 + 1), Data: fmt.Appendf(nil, "record %d %0*d", i+1, 300, i+1)}
		seq, err := q.Seal(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		r.Seq = seq
		p.recs[seq] = r
	}
	for _, x := range [][2]uint64{{1, 7}, {30, 33}, {59, 59}} {
		if err := q.Ack(x[0], x[1]); err != nil {
			t.Fatal(err)
		}
		for seq := x[0]; seq <= x[1]; seq++ {
			delete(p.recs, seq)
		}
	}
	if err := q.Journal(t.Context(), []byte("not sealed"), 1); err != nil {
		t.Fatal(err)
	}
	closed(t, q)
	var err error
	if p.files, err = filepath.Glob(filepath.Join(p.dir, "*.seg")); err != nil || len(p.files) < 3 {
		t.Fatalf("%d segments: too few to damage", len(p.files))
	}
	for seq := range p.recs {
		for _, file := range p.files {
			var first uint64
			if _, err := fmt.Sscanf(filepath.Base(file), "%x.seg", &first); err == nil && first <= seq {
				p.at[seq] = filepath.Base(file)
			}
		}
	}
	return p
}

// copyTo puts the folder elsewhere. Most of a segment is zeros, which are left out.
func (p *plain) copyTo(t *testing.T, dir string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(p.dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(p.dir, name))
		if err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		for at := 0; at < len(b) && err == nil; at += 4096 {
			if page := b[at:min(at+4096, len(b))]; len(bytes.Trim(page, "\x00")) > 0 {
				_, err = f.WriteAt(page, int64(at))
			}
		}
		return errors.Join(err, f.Truncate(int64(len(b))), f.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// harm is what was done to a folder.
type harm struct {
	what  string
	files []string // what of it was touched
	only  []uint64 // the numbers of the records whose bytes were touched, where nothing else was
}

// Flipped, zeroed, cut, deleted and swapped segments: every folder opens within seconds, what was not touched is delivered, what is
// not delivered is declared, and no byte is wrong.
func TestR5_DamageCostsOnlyWhatItTouches(t *testing.T) {
	p := newPlain(t)
	began, slowest, lost := time.Now(), time.Duration(0), 0
	for n := range *damages {
		dir := t.TempDir()
		p.copyTo(t, dir)
		h := p.damage(t, dir, n)
		opened := time.Now()
		q, err := buffer.Open(dir, buffer.Options{})
		if err != nil {
			t.Fatalf("%s: %v", h.what, err)
		}
		slowest = max(slowest, time.Since(opened))
		lost += p.judge(t, q, h)
		if seq, err := q.Append(t.Context(), text(1)); err != nil || seq <= 60 {
			t.Errorf("%s: number %d is given, %v", h.what, seq, err)
		}
		closed(t, q)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("R5: %d damaged folders in %v: 0 wrong bytes, all untouched records delivered, %d of %d records lost and declared; the slowest opened in %v", *damages, time.Since(began).Round(time.Second), lost, *damages*len(p.recs), slowest.Round(time.Millisecond))
}

// judge holds what is delivered and declared against what was there.
func (p *plain) judge(t *testing.T, q *buffer.Queue, h harm) (lost int) {
	t.Helper()
	got := map[uint64]bool{}
	for _, r := range all(t, q) {
		want, ok := p.recs[r.Seq]
		if !ok && r.Seq <= 60 {
			continue // acknowledged, and the file that knew was touched
		}
		if string(r.Data) != string(want.Data) || r.Class != want.Class || r.Samples != want.Samples {
			t.Errorf("%s: record %d is delivered as %v %q", h.what, r.Seq, r.Class, r.Data)
		}
		got[r.Seq] = true
	}
	declared := func(seq uint64) bool {
		return slices.ContainsFunc(q.Losses(), func(l buffer.Loss) bool { return l.From <= seq && seq <= l.To && l.Reason == buffer.Damaged })
	}
	for seq := range p.recs {
		if got[seq] {
			continue
		}
		lost++
		touched := slices.Contains(h.files, p.at[seq]) && (h.only == nil || slices.Contains(h.only, seq))
		if !touched || !declared(seq) {
			t.Errorf("%s: record %d of %s is not delivered; declared: %v", h.what, seq, p.at[seq], declared(seq))
		}
	}
	return lost
}

// damage does something to one segment, or two.
func (p *plain) damage(t *testing.T, dir string, n int) (h harm) {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(n), 7))
	order := random.Perm(len(p.files))
	name, other := filepath.Base(p.files[order[0]]), filepath.Base(p.files[order[1]])
	path := filepath.Join(dir, name)
	h.files = []string{name}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := random.IntN(len(bytes.TrimRight(b, "\x00"))) // behind that is nothing
	switch n % 5 {
	case 0:
		b[at] ^= 1 << random.IntN(8)
		h.what, h.only = fmt.Sprintf("case %d: a bit flipped at %d of %s", n, at, name), p.inside(b, at)
	case 1:
		clear(b[at:min(at+512, len(b))])
		h.what = fmt.Sprintf("case %d: zeros at %d of %s", n, at, name)
	case 2:
		b = b[:at]
		h.what = fmt.Sprintf("case %d: %s cut at %d", n, name, at)
	case 3:
		h.what = fmt.Sprintf("case %d: %s deleted", n, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return h
	case 4:
		h.what, h.files = fmt.Sprintf("case %d: %s and %s swapped", n, name, other), nil // their bytes are all there
		if b, err = os.ReadFile(filepath.Join(dir, other)); err == nil {
			err = os.Rename(path, filepath.Join(dir, other))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// inside finds the record whose text has the byte at a place, if it is in one: then no other may be lost. Texts are alike, so
// with the byte changed it may be either of two.
func (p *plain) inside(b []byte, at int) (list []uint64) {
	for seq, r := range p.recs {
		from := max(0, at-len(r.Data))
		near := b[from:min(len(b), at+len(r.Data))]
		for i := range near {
			if piece := near[i:min(len(near), i+len(r.Data))]; len(piece) == len(r.Data) && from+i <= at && at < from+i+len(r.Data) && differ(piece, r.Data) == 1 {
				list = append(list, seq)
			}
		}
	}
	return list
}

// differ counts the bytes that are different.
func differ(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
