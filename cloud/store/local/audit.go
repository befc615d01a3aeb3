package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/sync/audit"
)

// Audit implements cloud.AuditStore.
func (s *Store) Audit(ctx context.Context, entries ...audit.Entry) error {
	return s.writer.write(ctx, func(c *conn) error { return appendAudit(c, entries...) })
}

// appendAudit adds lines to the chain within the transaction of what they tell.
func appendAudit(c *conn, entries ...audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	head, err := auditHead(c)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	for _, e := range entries {
		line, next, err := head.Seal(e)
		if err != nil {
			return err
		}
		if _, err := c.exec(context.Background(), "INSERT INTO audit (seq, hash, line) VALUES (?, ?, ?)", int64(next.Seq), next.Hash[:], line); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		head = next
	}
	return nil
}

// auditHead is read anew in every transaction: one that is undone must leave no trace in memory.
func auditHead(c *conn) (head audit.Head, err error) {
	var hash []byte
	var seq int64
	err = c.one(context.Background(), "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", nil, &seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Head{}, nil
	}
	head.Seq = uint64(seq)
	copy(head.Hash[:], hash)
	return head, err
}

// auditPage is how many lines are read in one snapshot.
const auditPage = 1000

// AuditLines implements cloud.AuditStore.
func (s *Store) AuditLines(ctx context.Context, after uint64, yield func(seq uint64, line []byte) bool) error {
	for {
		lines, err := s.auditLines(ctx, "SELECT line FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", after, auditPage)
		if err != nil || len(lines) == 0 {
			return err
		}
		for _, line := range lines {
			after++ // the lines of a chain have no holes
			if !yield(after, line) {
				return nil
			}
		}
	}
}

// AuditTail implements cloud.AuditStore.
func (s *Store) AuditTail(ctx context.Context, before uint64, max int) ([][]byte, error) {
	if before == 0 {
		before = 1 << 62
	}
	return s.auditLines(ctx, "SELECT line FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, max)
}

func (s *Store) auditLines(ctx context.Context, query string, seq uint64, max int) (lines [][]byte, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, query, []any{int64(seq), max}, func(scan func(...any) error) error {
			var line []byte
			if err := scan(&line); err != nil {
				return err
			}
			lines = append(lines, line)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return lines, nil
}
