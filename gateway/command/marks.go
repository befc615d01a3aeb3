package command

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
)

// marks are where the shelf's lists begin and end. They are on the shelf too, and change with what they tell of, in one transaction.
type marks struct {
	head  audit.Head // of the audit log
	base  audit.Head // up to which its lines were dropped
	bytes int64      // of the lines that are there

	oldest, next uint64    // of the keys, in the order they were done: oldest <= n < next
	floor        time.Time // the newest time of issue of a key that was dropped
}

// storedMarks is the shape of marks on the shelf.
type storedMarks struct {
	Format     int       `json:"format"`
	HeadSeq    uint64    `json:"head_seq"`
	HeadSHA256 string    `json:"head_sha256"`
	BaseSeq    uint64    `json:"base_seq"`
	BaseSHA256 string    `json:"base_sha256"`
	Bytes      int64     `json:"bytes"`
	Oldest     uint64    `json:"oldest"`
	Next       uint64    `json:"next"`
	Floor      time.Time `json:"floor"`
}

const format = 1

func (m marks) encode() ([]byte, error) {
	return json.Marshal(storedMarks{format, m.head.Seq, hex.EncodeToString(m.head.Hash[:]), m.base.Seq, hex.EncodeToString(m.base.Hash[:]), m.bytes, m.oldest, m.next, m.floor})
}

// readMarks reads what encode wrote; nothing is a shelf on which nothing was put yet.
func readMarks(stored []byte) (m marks, err error) {
	if stored == nil {
		return m, nil
	}
	var s storedMarks
	if err := json.Unmarshal(stored, &s); err != nil {
		return m, fmt.Errorf("read where the audit log ends: %w", err)
	}
	if s.Format != format {
		return m, fmt.Errorf("read where the audit log ends: format %d is not known here, only %d: was it written by a newer version?", s.Format, format)
	}
	m = marks{head: audit.Head{Seq: s.HeadSeq}, base: audit.Head{Seq: s.BaseSeq}, bytes: s.Bytes, oldest: s.Oldest, next: s.Next, floor: s.Floor}
	if m.base.Seq > m.head.Seq || m.oldest > m.next {
		return m, fmt.Errorf("read where the audit log ends: %w: it begins behind its end", audit.ErrBroken)
	}
	if err := readHash(&m.head.Hash, s.HeadSHA256); err != nil {
		return m, err
	}
	return m, readHash(&m.base.Hash, s.BaseSHA256)
}

func readHash(into *audit.Hash, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(into) {
		return fmt.Errorf("read where the audit log ends: %w: %q is no SHA-256", audit.ErrBroken, clip(text))
	}
	copy(into[:], b)
	return nil
}
