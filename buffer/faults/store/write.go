package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/buffer/faults"
)

// worker writes and reads as a gateway does, only faster.
type worker struct {
	q     *buffer.Queue
	next  atomic.Uint64 // the item to come
	early bool
}

// write goes on until the process is killed.
func write(dir string, first uint64, early bool) error {
	q, unsealed, err := open(dir)
	if err != nil {
		return err
	}
	w := &worker{q: q, early: early}
	w.next.Store(first)
	failed := make(chan error)
	go func() { failed <- w.alarms() }()
	go func() { failed <- w.read(buffer.Alarm) }()
	go func() { failed <- w.read(buffer.Keep, buffer.Normal) }()
	go func() { failed <- w.flow(unsealed) }()
	return <-failed
}

func (w *worker) item() uint64 { return w.next.Add(1) - 1 }

// keep does something with the buffer, and says that the items are on disk when they are. It says whether they are.
func (w *worker) keep(do func() error, items ...uint64) bool {
	if w.early {
		say("kept", items...)
	}
	if err := do(); err != nil {
		say("void")
		return false
	}
	if !w.early {
		say("kept", items...)
	}
	return true
}

// flow journals, and seals what was journalled. What the disk refuses is tried again with the next.
func (w *worker) flow(unsealed []uint64) error {
	ctx := context.Background()
	for {
		for n := rand.IntN(4); n > 0; n-- {
			item := w.item()
			if w.keep(func() error { return w.q.Journal(ctx, faults.Entry(item), 1) }, item) {
				unsealed = append(unsealed, item)
			}
		}
		kept := w.item()
		recs := []buffer.Record{faults.Record(buffer.Keep, kept)}
		if len(unsealed) > 0 {
			recs = append(recs, faults.Record(buffer.Normal, unsealed...))
		}
		if w.keep(func() error { _, err := w.q.Seal(ctx, recs...); return err }, append([]uint64{kept}, unsealed...)...) {
			unsealed = nil
		}
	}
}

// alarms come at any moment, so they share the commits of flow or do not.
func (w *worker) alarms() error {
	for {
		time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		item := w.item()
		w.keep(func() error {
			_, err := w.q.Append(context.Background(), faults.Record(buffer.Alarm, item))
			return err
		}, item)
	}
}

// read delivers, and acknowledges what it has delivered: most of it.
func (w *worker) read(of ...buffer.Class) error {
	after := uint64(0)
	for {
		recs, err := w.q.NextOf(context.Background(), after, 1+rand.IntN(20), of...)
		if err != nil {
			return err
		}
		lose := rand.IntN(10) == 0 // the acknowledgements of these are lost on their way
		for _, r := range recs {
			deliver("got", r)
			if after = r.Seq; lose {
				continue
			}
			if err := w.q.Ack(r.Seq, r.Seq); err != nil {
				return err
			}
		}
		if rand.IntN(20) == 0 {
			after = 0
		}
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
	}
}
