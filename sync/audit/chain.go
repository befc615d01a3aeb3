package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxLine bounds a line, in bytes. Seal shortens what people wrote to stay below.
const MaxLine = 16 << 10

// Bounds of an entry's texts, in bytes, and of its details in number.
const (
	maxText    = 1 << 10
	maxDetails = 8
)

// Hash is the SHA-256 of a line.
type Hash [sha256.Size]byte

// Head is the end of a chain: what the next line is joined to. The zero Head is that of an empty chain.
type Head struct {
	Seq  uint64 // of the last line; lines count from 1
	Hash Hash
}

// Record is a line that was read.
type Record struct {
	Seq  uint64 `json:"seq"`
	Prev string `json:"prev"` // the SHA-256 of the line before, in hex
	Entry
}

// Seal makes the next line: one JSON object without a newline, to be stored as it is, with the Head that stands for it. Storing both in
// the transaction of what the entry tells is the caller's.
func (h Head) Seal(e Entry) (line []byte, next Head, err error) {
	e = e.bounded()
	line, err = json.Marshal(Record{Seq: h.Seq + 1, Prev: hex.EncodeToString(h.Hash[:]), Entry: e})
	if err != nil {
		return nil, h, fmt.Errorf("write an audit line about %s: %w", e.Action, err)
	}
	return line, Head{Seq: h.Seq + 1, Hash: sha256.Sum256(line)}, nil
}

// Parse reads a line.
func Parse(line []byte) (Record, error) {
	if len(line) > MaxLine {
		return Record{}, fmt.Errorf("%w: %d bytes in one line, at most %d", ErrBroken, len(line), MaxLine)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var r Record
	if err := d.Decode(&r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return r, nil
}

// ErrBroken says that a chain is not what was written.
var ErrBroken = errors.New("the audit log was changed")

// Verify takes the line that must come next and moves the head on. An error says what does not fit; the head then stays.
func (h *Head) Verify(line []byte) error {
	r, err := Parse(line)
	switch {
	case err != nil:
		return fmt.Errorf("line %d: %w", h.Seq+1, err)
	case r.Seq != h.Seq+1:
		return fmt.Errorf("line %d: %w: it says that it is line %d", h.Seq+1, ErrBroken, r.Seq)
	case r.Prev != hex.EncodeToString(h.Hash[:]):
		return fmt.Errorf("line %d: %w: it was written after another line %d than the one that stands before it", r.Seq, ErrBroken, r.Seq-1)
	}
	*h = Head{Seq: r.Seq, Hash: sha256.Sum256(line)}
	return nil
}

// bounded keeps an entry below MaxLine whatever somebody sent: six bytes of JSON a byte at the worst, in seven texts and the details.
func (e Entry) bounded() Entry {
	for _, text := range []*string{&e.Who, &e.From, &e.Action, &e.Object, &e.Trace} {
		*text = cut(*text, maxText/8)
	}
	e.Reason = cut(e.Reason, maxText)
	if len(e.Details) == 0 {
		return e
	}
	kept := make(map[string]string, maxDetails)
	for _, key := range sortedKeys(e.Details) {
		if len(kept) < maxDetails {
			kept[cut(key, 32)] = cut(e.Details[key], maxText/16*2)
		}
	}
	e.Details = kept
	return e
}

// cut shortens a text between two characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
