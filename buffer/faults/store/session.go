package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/buffer/faults"
)

// attempts is how often a session tries what fails. A disk that failed once is well again by then.
const attempts = 4

// patience is how long a session waits for a record: the buffer tries to open a file again after a second.
const patience = 3 * time.Second

// visit is one session: a few lives of a buffer, one call after the other.
type visit struct {
	dir      string
	q        *buffer.Queue
	next     uint64
	unsealed []uint64
	alarms   []uint64 // that no attempt has kept yet
	after    uint64
	deaf     bool // the disk does not give back what is there; it is not asked any more
}

func session(dir string, first uint64) error {
	v := &visit{dir: dir, next: first}
	for range 3 {
		if err := v.open(); err != nil {
			return err
		}
		for range 3 {
			v.round()
		}
		if err := v.q.Close(); err != nil {
			say("retry")
		}
	}
	say("whole")
	return nil
}

func (v *visit) open() (err error) {
	for range attempts {
		if v.q, v.unsealed, err = open(v.dir); err == nil {
			v.after = 0
			return nil
		}
		say("retry")
	}
	return err
}

// keep tries until it is kept, and says whether it is.
func (v *visit) keep(do func() error, items ...uint64) bool {
	for range attempts {
		if err := do(); err == nil {
			say("kept", items...)
			return true
		}
		say("void")
	}
	return false
}

func (v *visit) item() uint64 { v.next++; return v.next - 1 }

// round is what a gateway does with a buffer.
func (v *visit) round() {
	ctx := context.Background()
	for range 3 {
		item := v.item()
		if v.keep(func() error { return v.q.Journal(ctx, faults.Entry(item), 1) }, item) {
			v.unsealed = append(v.unsealed, item)
		}
	}
	v.alarms = append(v.alarms, v.item())
	if v.keep(func() error { _, err := v.q.Append(ctx, faults.Record(buffer.Alarm, v.alarms...)); return err }, v.alarms...) {
		v.alarms = nil
	}
	recs := []buffer.Record{faults.Record(buffer.Normal, v.unsealed...)}
	items := v.unsealed
	for range 6 {
		items = append(items, v.item())
		recs = append(recs, faults.Record(buffer.Keep, v.next-1))
	}
	if v.keep(func() error { _, err := v.q.Seal(ctx, recs...); return err }, items...) {
		v.unsealed = nil
	}
	v.read(5)
}

// read delivers and acknowledges some of what is there.
func (v *visit) read(most int) {
	for range most {
		if v.deaf || v.q.Stats().Records == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		recs, err := v.q.Next(ctx, v.after, 1)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			v.deaf = v.q.Stats().Records > 0
			say("still")
			return
		}
		if err != nil {
			say(fmt.Sprintf("wrong: %v", err))
			return
		}
		deliver("got", recs[0])
		v.after = recs[0].Seq
		if err := v.q.Ack(v.after, v.after); err != nil {
			say(fmt.Sprintf("wrong: %v", err))
		}
	}
}
