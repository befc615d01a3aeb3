package buffer

import "context"

// What follows is for who has a queue with one cursor: it is the first.

// Next is NextOf for all classes.
func (q *Queue) Next(ctx context.Context, after uint64, max int) ([]Record, error) {
	return q.NextOf(ctx, after, max)
}

// NextOf gives the records of some classes that are for the first cursor, as Reader.Next does. No class stands for all.
func (q *Queue) NextOf(ctx context.Context, after uint64, max int, of ...Class) ([]Record, error) {
	return q.readers[setOf(of)].Next(ctx, after, max)
}

// Ack acknowledges for the first cursor.
func (q *Queue) Ack(from, to uint64) error { return q.cursors[0].Ack(from, to) }

// Discard gives up a record for the first cursor.
func (q *Queue) Discard(seq uint64) error { return q.cursors[0].Discard(seq) }

// Losses are those of the first cursor.
func (q *Queue) Losses() []Loss { return q.cursors[0].Losses() }

// Forget takes losses off the first cursor's list.
func (q *Queue) Forget(declared ...Loss) error { return q.cursors[0].Forget(declared...) }
