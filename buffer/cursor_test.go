package buffer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// through takes everything that is there for a reader now.
func through(t testing.TB, r *buffer.Reader, max int) (recs []buffer.Record) {
	t.Helper()
	for after := uint64(0); ; after = recs[len(recs)-1].Seq {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // what is there is given whatever ctx says
		more, err := r.Next(ctx, after, max)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return recs
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, more...)
	}
}

// mirror is what the test knows of a cursor.
type mirror struct {
	given []uint64          // every number that was ever for it
	left  map[uint64]string // what it waits for
}

func (m *mirror) prev(seq uint64) uint64 {
	if i := slices.Index(m.given, seq); i > 0 {
		return m.given[i-1]
	}
	return 0
}

// site is a queue and what is known of it.
type site struct {
	*testing.T
	dir   string
	dice  *rand.Rand
	o     buffer.Options
	q     *buffer.Queue
	of    map[string]*mirror
	class map[uint64]buffer.Class
	whom  map[uint64]buffer.Audience
}

func (s *site) append(n int) {
	var batch []buffer.Record
	for i := range n {
		batch = append(batch, buffer.Record{
			Class: buffer.Class(s.dice.IntN(3)), Samples: uint32(s.dice.IntN(9)), Data: fmt.Appendf(nil, "%d %d", s.dice.Uint64(), i),
			For: buffer.Audience(s.dice.IntN(1 << len(s.o.Cursors))),
		})
	}
	last, err := s.q.Append(s.Context(), batch...)
	if err != nil {
		s.Fatal(err)
	}
	slices.SortStableFunc(batch, func(a, b buffer.Record) int { return int(a.Class) - int(b.Class) }) // numbers are given class by class
	for i, r := range batch {
		seq := last - uint64(n-1-i)
		s.class[seq], s.whom[seq] = r.Class, r.For
		for bit, name := range s.o.Cursors {
			if r.For == 0 || r.For&(1<<bit) != 0 {
				s.of[name].given = append(s.of[name].given, seq)
				s.of[name].left[seq] = string(r.Data)
			}
		}
	}
}

func (s *site) acknowledge() {
	name := s.o.Cursors[s.dice.IntN(len(s.o.Cursors))]
	m := s.of[name]
	if len(m.given) == 0 {
		return
	}
	from := m.given[s.dice.IntN(len(m.given))]
	to := from + s.dice.Uint64N(12)
	if err := s.q.Cursor(name).Ack(from, to); err != nil {
		s.Fatal(err)
	}
	for seq := from; seq <= to; seq++ {
		delete(m.left, seq)
	}
}

// reopen opens the folder under a list of names.
func (s *site) reopen(names ...string) {
	if s.q != nil {
		closed(s.T, s.q)
	}
	waited := map[uint64]string{} // what somebody waits for and is for everybody
	for _, m := range s.of {
		for seq, data := range m.left {
			if s.whom[seq] == 0 {
				waited[seq] = data
			}
		}
	}
	of := map[string]*mirror{}
	for _, name := range names {
		if of[name] = s.of[name]; of[name] == nil {
			m := &mirror{left: waited}
			for seq := range waited {
				m.given = append(m.given, seq)
			}
			slices.Sort(m.given)
			of[name] = &mirror{given: m.given, left: map[uint64]string{}}
			for seq, data := range waited {
				of[name].left[seq] = data
			}
		}
	}
	s.of, s.o.Cursors = of, names
	s.q = open(s, s.dir, s.o)
}

func (s *site) check() {
	s.Helper()
	somebody := map[uint64]bool{}
	for name, m := range s.of {
		c := s.q.Cursor(name)
		recs := through(s, c.Reader(), 1+s.dice.IntN(20))
		if len(recs) != len(m.left) || c.Stats().Records != uint64(len(recs)) {
			s.Fatalf("%s: %d records, counted %d, want %d\n%v\n%v", name, len(recs), c.Stats().Records, len(m.left), seqs(recs), m.left)
		}
		samples := uint64(0)
		for _, r := range recs {
			somebody[r.Seq] = true
			samples += uint64(r.Samples)
			if m.left[r.Seq] != string(r.Data) || r.Prev != m.prev(r.Seq) || r.Class != s.class[r.Seq] {
				s.Fatalf("%s: record %d is %q after %d, want %q after %d", name, r.Seq, r.Data, r.Prev, m.left[r.Seq], m.prev(r.Seq))
			}
		}
		if c.Stats().Samples != samples || len(c.Losses()) > 0 {
			s.Fatalf("%s: %d samples, counted %d; losses %v", name, samples, c.Stats().Samples, c.Losses())
		}
		if oldest := c.Oldest(); len(recs) > 0 && oldest > recs[0].Seq || oldest == 0 {
			s.Fatalf("%s: nothing is said to be left below %d, and %d is", name, oldest, recs[0].Seq)
		}
		for _, r := range through(s, c.Reader(buffer.Alarm), 5) {
			if r.Class != buffer.Alarm || m.left[r.Seq] != string(r.Data) || r.Prev != m.prev(r.Seq) {
				s.Fatalf("%s: of the alarms %+v", name, r)
			}
		}
	}
	if n := s.q.Stats().Records; n != uint64(len(somebody)) {
		s.Fatalf("%d records are counted, %d are waited for", n, len(somebody))
	}
}

// TestEachCursorGetsWhatIsForItAndKnowsWhatIsNot holds random appends, acknowledgements and changes of the cursors against lists.
func TestEachCursorGetsWhatIsForItAndKnowsWhatIsNot(t *testing.T) {
	lists := [][]string{{"main", "scada"}, {"main", "scada", "lake"}, {"lake", "main"}, {"lake", "main", "scada"}, {"lake"}, {"main", "lake"}}
	for seed := range uint64(6) {
		s := &site{
			T: t, dir: t.TempDir(), dice: rand.New(rand.NewPCG(seed, 3)), o: buffer.Options{SegmentBytes: 3000},
			of: map[string]*mirror{}, class: map[uint64]buffer.Class{}, whom: map[uint64]buffer.Audience{},
		}
		s.reopen(lists[0]...)
		for round := range 12 {
			for range 12 {
				s.append(1 + s.dice.IntN(6))
				s.acknowledge()
			}
			s.check()
			if round%2 == 1 {
				s.reopen(s.o.Cursors...)
			} else if s.dice.IntN(2) == 0 {
				s.reopen(lists[s.dice.IntN(len(lists))]...)
			}
			s.check()
		}
	}
}

// A record is on disk until the last of those it is for has acknowledged it; one that is for nobody any more goes by itself.
func TestASegmentGoesWhenTheLastCursorIsDone(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, buffer.Options{SegmentBytes: 300, Cursors: []string{"main", "scada"}})
	fill(t, q, 1, 60)
	if err := q.Cursor("main").Ack(1, 60); err != nil {
		t.Fatal(err)
	}
	fill(t, q, 61, 61)
	if s := q.Stats(); s.Records != 61 || s.Segments < 5 {
		t.Errorf("one of two has acknowledged: %+v", s)
	}
	if err := q.Cursor("scada").Ack(1, 60); err != nil {
		t.Fatal(err)
	}
	fill(t, q, 62, 62)
	if s := q.Stats(); s.Records != 2 || s.Segments > 2 {
		t.Errorf("both have acknowledged: %+v", s)
	}
	closed(t, q)
	q = open(t, dir, buffer.Options{Cursors: []string{"main"}})
	if err := q.Cursor("main").Ack(1, 62); err != nil {
		t.Fatal(err)
	}
	if s := q.Stats(); s.Records != 0 || s.Bytes != 0 {
		t.Errorf("the other is no more: %+v", s)
	}
}

// What gives way is a loss of those who still waited for it, and of nobody else.
func TestLossesAreACursorsOwn(t *testing.T) {
	dir := t.TempDir()
	o := buffer.Options{MaxBytes: 3000, SegmentBytes: 1000, Cursors: []string{"main", "scada"}}
	q := open(t, dir, o)
	for range 20 {
		for _, whom := range []buffer.Audience{0, 1, 2} {
			if _, err := q.Append(t.Context(), buffer.Record{Class: buffer.Normal, Samples: 2, Data: make([]byte, 100), For: whom}); err != nil {
				t.Fatal(err)
			}
		}
		newest := q.Stats().Newest
		if err := q.Cursor("main").Ack(newest-2, newest); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, q)
	q = open(t, dir, o)
	if l := q.Cursor("main").Losses(); len(l) > 0 {
		t.Errorf("what main has stored is lost for it: %v", l)
	}
	left := q.Cursor("scada").Stats()
	lost := uint64(0)
	for _, l := range q.Cursor("scada").Losses() {
		lost += l.Samples
	}
	if lost == 0 || lost+left.Samples != 80 || left.Dropped[buffer.Evicted].Samples != lost {
		t.Errorf("80 samples were for scada; it lost %d, %+v", lost, left)
	}
	if d := q.Stats().Dropped[buffer.Evicted]; d.Samples != lost {
		t.Errorf("counted %+v, scada lost %d", d, lost)
	}
	if err := q.Cursor("scada").Forget(q.Cursor("scada").Losses()...); err != nil {
		t.Fatal(err)
	}
	closed(t, q)
	if q = open(t, dir, o); len(q.Cursor("scada").Losses()) > 0 {
		t.Error("what was declared is a loss again")
	}
}

// TestAFolderOfTheFirstVersionOpens: 90 records of three classes were appended, 1 to 40, 44, 45 and 80 to 90 acknowledged, 50 refused.
func TestAFolderOfTheFirstVersionOpens(t *testing.T) {
	for _, names := range [][]string{nil, {"main"}, {"main", "scada"}} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "version1"))); err != nil {
			t.Fatal(err)
		}
		var want []uint64
		for seq := uint64(41); seq < 80; seq++ {
			if seq != 44 && seq != 45 && seq != 50 {
				want = append(want, seq)
			}
		}
		for life := range 2 {
			q := open(t, dir, buffer.Options{Cursors: names})
			if e := q.Epoch(); e != "01M8M0G8G7S7P2ZCJR8QA3MCSK" {
				t.Errorf("the epoch is %s", e)
			}
			if u := q.Unsealed(); len(u) != 1 || string(u[0]) != "not sealed" {
				t.Errorf("unsealed %q", u)
			}
			if l := q.Losses(); len(l) != 1 || l[0] != (buffer.Loss{From: 50, To: 50, Samples: 17, Reason: buffer.Damaged, Class: buffer.Keep}) {
				t.Errorf("losses %+v", l)
			}
			recs := all(t, q)
			if got := seqs(recs); !slices.Equal(got, want) {
				t.Errorf("%v in life %d: left are %v, want %v", names, life, got, want)
			}
			for _, r := range recs {
				i := int(r.Seq+2) / 3
				if text := fmt.Sprintf("%s %d %0100d", r.Class, i, i); string(r.Data) != text || r.Samples != uint32(i) || (r.Prev != r.Seq-1 && life == 0) {
					t.Errorf("%+v is not %q", r, text)
				}
			}
			if len(names) > 1 {
				second := through(t, q.Cursor("scada").Reader(), 100)
				if got := seqs(second); !slices.Equal(got, want) || second[0].Prev != 0 || second[3].Prev != 43 {
					t.Errorf("the new target gets %v", got)
				}
			}
			if life == 0 {
				seq, err := q.Append(t.Context(), text(1))
				if err != nil || seq != 91 {
					t.Errorf("number %d follows 90, %v", seq, err)
				}
				want = append(want, 91)
				if r := all(t, q)[36]; r.Prev != 90 {
					t.Errorf("before 91 comes %d", r.Prev)
				}
				want = want[:36]
				if err := q.Ack(91, 91); err != nil {
					t.Fatal(err)
				}
				if len(names) > 1 {
					if err := q.Cursor("scada").Ack(91, 91); err != nil {
						t.Fatal(err)
					}
				}
			}
			closed(t, q)
		}
	}
}

// Two readers of a cursor, one behind what comes and one in the backlog, each get all.
func TestTwoReadersOfACursorDoNotDisturbEachOther(t *testing.T) {
	q := open(t, t.TempDir(), buffer.Options{})
	var batch []buffer.Record
	for i := range 1000 {
		batch = append(batch, text(i))
	}
	for range 3 {
		if _, err := q.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	live, backlog := q.Cursor("").Reader(), q.Cursor("").Reader()
	for i := range uint64(1000) {
		a, err1 := live.Next(t.Context(), 2000+i, 1)
		b, err2 := backlog.Next(t.Context(), i, 1)
		if err := errors.Join(err1, err2); err != nil || a[0].Seq != 2001+i || b[0].Seq != 1+i || string(a[0].Data) != string(b[0].Data) {
			t.Fatal(a, b, err)
		}
	}
	if c := q.Cursor("nobody"); c != nil {
		t.Error("there is a cursor that nobody named")
	}
	if _, err := q.Append(t.Context(), buffer.Record{For: 2}); err == nil {
		t.Error("a record for a cursor that is not there is taken")
	}
}
