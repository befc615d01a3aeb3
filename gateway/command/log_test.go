package command_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/audit"
)

// opened is a log on a database of its own.
func opened(t testing.TB) (*command.Log, *state.DB) {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log, err := command.OpenLog(db)
	if err != nil {
		t.Fatal(err)
	}
	return log, db
}

func entries(from, to int) (all []audit.Entry) {
	for i := from; i < to; i++ {
		all = append(all, audit.Entry{Time: noon.Add(time.Duration(i) * time.Second), Who: "anna", Action: "alarm.acknowledge", Object: fmt.Sprint("press.oil_hot#", i), Outcome: audit.Done})
	}
	return all
}

func TestOthersMayAppendAndTheLogGoesOnAfterARestart(t *testing.T) {
	log, db := opened(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := log.Append(entries(i*10, i*10+10)...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	log, err := command.OpenLog(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(entries(200, 201)...); err != nil {
		t.Fatal(err)
	}
	if err := log.Verify(); err != nil {
		t.Error(err)
	}
	last, err := log.Tail(3)
	if err != nil || len(last) != 3 || last[2].Seq != 201 || last[2].Object != "press.oil_hot#200" || log.Head().Seq != 201 {
		t.Errorf("%+v, %v", last, err)
	}
	seen := 0
	if err := log.Lines(190, func(seq uint64, line []byte) bool { seen++; return seq < 195 }); err != nil || seen != 5 {
		t.Errorf("%d lines after 190 until 195, %v", seen, err)
	}
	if none, err := log.Tail(0); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}

// TestS23_TheLogShowsWhatSomebodyChangedOnTheDisk: each way of changing it is found.
func TestS23_TheLogShowsWhatSomebodyChangedOnTheDisk(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf("audit/%016x", n) }
	for name, change := range map[string]func(state.Shelf) error{
		"edited": func(s state.Shelf) error {
			return s.Put(line(7), []byte(strings.Replace(string(s.Get(line(7))), "anna", "otto", 1)))
		},
		"last one": func(s state.Shelf) error {
			return s.Put(line(20), []byte(strings.Replace(string(s.Get(line(20))), "anna", "otto", 1)))
		},
		"taken out":  func(s state.Shelf) error { return s.Delete(line(7)) },
		"first gone": func(s state.Shelf) error { return s.Delete(line(1)) },
		"cut off":    func(s state.Shelf) error { return s.Delete(line(20)) },
		"swapped": func(s state.Shelf) error {
			a, b := string(s.Get(line(3))), string(s.Get(line(4)))
			return errors.Join(s.Put(line(3), []byte(b)), s.Put(line(4), []byte(a)))
		},
		"a beginning that was not told": func(s state.Shelf) error {
			marks := strings.Replace(string(s.Get("marks")), `"base_seq":0`, `"base_seq":1`, 1)
			return errors.Join(s.Put("marks", []byte(marks)), s.Delete(line(1)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, db := opened(t)
			if err := log.Append(entries(0, 20)...); err != nil {
				t.Fatal(err)
			}
			if err := db.Update("command", change); err != nil {
				t.Fatal(err)
			}
			log, err := command.OpenLog(db)
			if err != nil {
				t.Fatal(err)
			}
			if err := log.Verify(); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("Verify says %v", err)
			}
		})
	}
}

func TestAFullLogDropsItsOldestAndVerifies(t *testing.T) {
	t.Parallel()
	log, db := opened(t)
	log.Bound(300 << 10)
	for i := range 15 {
		if err := log.Append(entries(i*200, i*200+200)...); err != nil {
			t.Fatal(err)
		}
	}
	var first, drops uint64
	var bytes int
	count := func(seq uint64, line []byte) bool {
		if first == 0 {
			first = seq
		}
		if strings.Contains(string(line), "audit.drop") {
			drops++
		}
		bytes += len(line)
		return true
	}
	if err := log.Lines(0, count); err != nil || first%1000 != 1 || first == 1 || drops == 0 || bytes > 310<<10 {
		t.Errorf("the log begins with line %d, tells of %d drops and has %d bytes, %v", first, drops, bytes, err)
	}
	if err := log.Verify(); err != nil {
		t.Error(err)
	}
	again, err := command.OpenLog(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Verify(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := db.Update("command", func(s state.Shelf) error { return s.Delete(fmt.Sprintf("audit/%016x", first)) }); err != nil {
		t.Fatal(err)
	}
	if err := again.Verify(); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("the first line of a dropped log taken out: %v", err)
	}
	for i := range 4 { // nor does it stop the log
		if err := again.Append(entries(i*500, i*500+500)...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVerificationIsNotDisturbedByWhatIsWritten(t *testing.T) {
	t.Parallel()
	log, _ := opened(t)
	log.Bound(300 << 10)
	done := make(chan error, 1)
	go func() {
		for i := range 10 {
			if err := log.Append(entries(i*200, i*200+200)...); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		if err := log.Verify(); err != nil {
			t.Error(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	for i := range 30 {
		o := anna("count", fmt.Sprint(i))
		o.Key = fmt.Sprint(i)
		p.desk.Do(t.Context(), o)
		p.desk.Do(t.Context(), anna("count", "1")) // has no key, and leaves none
		p.wait(12 * time.Hour)
	}
	if n := p.log.Keys(); n < 14 || n > 16 {
		t.Errorf("%d keys are kept of 15 days, two a day, for 7 days", n)
	}
	// What came before the last key that was dropped may have been done.
	old := cloud("count", slowly)
	old.Issued, old.Expires = noon.Add(2*24*time.Hour), noon.Add(30*24*time.Hour)
	if r := p.desk.Do(t.Context(), old); r.Code != command.Expired || !strings.Contains(r.Reason, "no longer known") {
		t.Errorf("%+v", r)
	}
	old.Key, old.Issued = "young", noon.Add(14*24*time.Hour)
	if r := p.desk.Do(t.Context(), old); r.State != command.Done {
		t.Errorf("%+v", r)
	}
}
