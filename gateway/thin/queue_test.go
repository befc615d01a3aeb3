package thin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/thin"
)

// TestAFullBufferKeepsTheWholeOutage: half an hour of samples in a buffer that has room for a few minutes. The beginning is coarse and still there, and
// every sample is delivered or declared.
func TestAFullBufferKeepsTheWholeOutage(t *testing.T) {
	recs := plant(t, 20, 360)
	q, err := buffer.Open(t.TempDir(), buffer.Options{MaxBytes: 60_000, SegmentBytes: 20_000, Full: buffer.Downsample, Thin: (&thin.Thinner{}).Blocks})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	appended := uint64(0)
	for _, r := range recs {
		if _, err := q.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		appended += uint64(r.Samples)
	}
	var left []buffer.Record
	for after := uint64(0); ; after = left[len(left)-1].Seq {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // what is there is given whatever ctx says
		more, err := q.Next(ctx, after, 100)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, more...)
	}
	got, lost := uint64(size(left)[0]), map[string]uint64{}
	for _, l := range q.Losses() {
		lost[l.Reason] += l.Samples
	}
	t.Logf("%d samples, %d are left in %d bytes, lost %v", appended, got, q.Stats().Bytes, lost)
	if got+lost[buffer.Downsampled] != appended || len(left) != len(recs) || lost[buffer.Downsampled] == 0 {
		t.Errorf("%d blocks and %d samples are left of %d and %d, lost %v", len(left), got, len(recs), appended, lost)
	}
	fine, coarse := series(t, recs), series(t, left)
	for name, all := range fine {
		if first, last := all[0], all[len(all)-1]; coarse[name][0] != first || coarse[name][len(coarse[name])-1] != last {
			t.Errorf("%s begins and ends otherwise", name)
		}
	}
}
