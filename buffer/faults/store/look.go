package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/buffer"
)

// look tells all that is in a folder.
func look(dir string) error {
	q, _, err := open(dir)
	if err != nil {
		return err
	}
	if err := each(q, func(r buffer.Record) { deliver("holds", r) }); err != nil {
		return err
	}
	for _, l := range q.Losses() {
		say(fmt.Sprintf("loss %s %s from %d to %d, %d samples", l.Reason, l.Class, l.From, l.To, l.Samples))
	}
	if err := q.Close(); err != nil {
		return err
	}
	say("whole")
	return nil
}

// each visits all records that are there. One that turns out to be damaged is not there any more once it was looked for, so
// the end is known by the counts.
func each(q *buffer.Queue, visit func(buffer.Record)) error {
	var after, seen uint64
	for seen < q.Stats().Records {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		recs, err := q.Next(ctx, after, 100)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			continue
		}
		if err != nil {
			return err
		}
		for _, r := range recs {
			visit(r)
			after, seen = r.Seq, seen+1
		}
	}
	return nil
}
