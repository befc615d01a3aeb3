package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
)

// testAudit: lines written by many at once are one chain, also after the store was opened again.
func testAudit(t *testing.T, open Open) {
	f := start(t, open)
	ctx := t.Context()
	var all sync.WaitGroup
	for writer := range 8 {
		all.Go(func() {
			for i := range 5 {
				f.auditOne(ctx, fmt.Sprint(writer, "/", i))
			}
		})
	}
	all.Wait()
	f.verifyAudit(40)
	f.reopen()
	f.auditOne(ctx, "afterwards")
	f.verifyAudit(41)
	tail, err := f.AuditTail(ctx, 41, 2)
	f.must(err)
	if len(tail) != 2 {
		t.Fatalf("the two lines before the last are %d", len(tail))
	}
	for i, line := range tail {
		r, err := audit.Parse(line)
		f.must(err)
		if r.Seq != uint64(40-i) {
			t.Errorf("line %d of the tail is %d", i, r.Seq)
		}
	}
}

func (f *fixture) auditOne(ctx context.Context, object string) {
	if err := f.Audit(ctx, audit.Entry{Time: time.Unix(1, 0), Who: "anna", Action: "test.write", Object: object, Outcome: audit.Done}); err != nil {
		f.t.Error(err)
	}
}

func (f *fixture) verifyAudit(lines uint64) {
	f.t.Helper()
	var head audit.Head
	f.must(f.AuditLines(f.t.Context(), 0, func(seq uint64, line []byte) bool {
		if err := head.Verify(line); err != nil || seq != head.Seq {
			f.t.Errorf("line %d: %v", seq, err)
			return false
		}
		return true
	}))
	if head.Seq != lines {
		f.t.Errorf("%d lines, want %d", head.Seq, lines)
	}
}
