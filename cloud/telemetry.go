package cloud

import (
	"context"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Batch is what is stored at once and counted once: a block of a gateway, or one message of another thing.
type Batch struct {
	Thing    string
	Epoch    string // names a life of the gateway's buffer; empty for a message that carries no sequence
	Seq      uint64 // its place in the epoch, from 1; 0 for a message that carries no sequence
	Skipped  uint64 // how many numbers right below Seq were never for this cloud
	Oldest   uint64 // no lower number is still to come; 0: the gateway does not say
	Received time.Time
	Block    []byte // encoded by sync/wire
	Samples  int
	Points   int
	From, To int64      // the first and last time in it, nanoseconds since 1970
	Stamp    wire.Stamp // of the block: its times are in doubt, see ClockStore

	// Inbox is what rules are to see of it, stored in the same transaction when the batch is new; nil: nothing.
	Inbox *InboxItem
}

// Query asks for samples of one point, in order of time. From is included, To is not; 0 means open.
type Query struct {
	Thing    string
	Point    string // device.point of a gateway; the field's name for another thing
	From, To int64
	Last     int // only the last so many; 0 for all
}

// PointState is the latest that is known of one point.
type PointState struct {
	Point   string            `json:"point"`
	Time    int64             `json:"-"`
	Value   telemetry.Value   `json:"value"`
	Quality telemetry.Quality `json:"-"`
}

// TelemetryStore keeps samples.
type TelemetryStore interface {
	// Append stores each batch once per (thing, epoch, seq): stored[i] tells whether batches[i] was new. All are durable,
	// together with the record of their sequence numbers, when it returns; on an error none is.
	Append(ctx context.Context, batches ...Batch) (stored []bool, err error)
	// Range calls yield with the samples a query asks for, oldest first, until it returns false.
	Range(ctx context.Context, q Query, yield func(telemetry.Sample) bool) error
	// Latest lists the latest state of every point of a thing, by name.
	Latest(ctx context.Context, thing string) ([]PointState, error)
}
