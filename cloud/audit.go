package cloud

import (
	"context"

	"github.com/penstock-edge/penstock/sync/audit"
)

// AuditStore keeps the chain of sync/audit. What changes something and is worth a line is stored in one transaction with it: the calls that
// change take the entries; Audit is for what changed nothing, a refusal.
type AuditStore interface {
	Audit(ctx context.Context, entries ...audit.Entry) error
	// AuditLines calls yield with the lines above after, oldest first, until it returns false.
	AuditLines(ctx context.Context, after uint64, yield func(seq uint64, line []byte) bool) error
	// AuditTail gives the last lines below before (0: the end), newest first.
	AuditTail(ctx context.Context, before uint64, max int) (lines [][]byte, err error)
}
