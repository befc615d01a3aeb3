package command

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/audit"
)

// linesAtOnce is how many lines one look at the disk takes, so that a slow reader holds no transaction.
const linesAtOnce = 500

// Lines gives the lines after a number, oldest first, until yield returns false. A line is yield's to keep.
func (l *Log) Lines(after uint64, yield func(seq uint64, line []byte) bool) error {
	for {
		m, err := l.onDisk()
		if err != nil {
			return err
		}
		after = max(after, m.base.Seq)
		to := min(after+linesAtOnce, m.head.Seq)
		if after >= to {
			return nil
		}
		lines, err := l.between(after, to)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if after++; line != nil && !yield(after, line) {
				return nil
			}
		}
	}
}

// onDisk are the marks as a reader of the lines finds them: those in memory follow a moment later.
func (l *Log) onDisk() (m marks, err error) {
	err = l.store.View(room, func(s state.Shelf) error {
		m, err = readMarks(s.Get(marksKey))
		return err
	})
	return m, err
}

// between gives copies of the lines after..to; nil for one that was dropped meanwhile.
func (l *Log) between(after, to uint64) (lines [][]byte, err error) {
	err = l.store.View(room, func(s state.Shelf) error {
		m, err := readMarks(s.Get(marksKey))
		if err != nil {
			return err
		}
		for seq := after + 1; seq <= to; seq++ {
			line := s.Get(lineKey(seq))
			if line == nil && seq > m.base.Seq {
				return fmt.Errorf("line %d: %w: it is not there", seq, audit.ErrBroken)
			}
			lines = append(lines, bytes.Clone(line))
		}
		return nil
	})
	return lines, err
}

// Tail gives the last n lines, oldest first.
func (l *Log) Tail(n int) (records []audit.Record, err error) {
	m, err := l.onDisk()
	if err != nil {
		return nil, err
	}
	after := m.base.Seq
	if kept := m.head.Seq - after; n >= 0 && uint64(n) < kept {
		after = m.head.Seq - uint64(n)
	}
	var broken error
	err = l.Lines(after, func(seq uint64, line []byte) bool {
		r, err := audit.Parse(line)
		if err != nil {
			broken = fmt.Errorf("line %d: %w", seq, err)
			return false
		}
		records = append(records, r)
		return seq < m.head.Seq
	})
	if err == nil {
		err = broken
	}
	return records, err
}

// Verify walks the whole log and says whether it is what was written. Of a log whose oldest lines were dropped, the first line must follow
// the last that was dropped, and a line in the log must tell that very number and hash.
func (l *Log) Verify() error {
	for {
		known := l.now()
		m, err := l.onDisk()
		if err != nil {
			return err
		}
		if m.head.Seq < known.head.Seq {
			return fmt.Errorf("%w: it had %d lines and ends with line %d", audit.ErrBroken, known.head.Seq, m.head.Seq)
		}
		err = l.verify(m)
		if after, readErr := l.onDisk(); readErr != nil || after.base == m.base { // else lines were dropped from under it
			return errors.Join(err, readErr)
		}
	}
}

func (l *Log) verify(m marks) error {
	at, told := m.base, m.base.Seq == 0
	var broken error
	err := l.Lines(m.base.Seq, func(seq uint64, line []byte) bool {
		if broken = at.Verify(line); broken != nil || seq > m.head.Seq {
			return false
		}
		told = told || tells(line, m.base)
		if seq == m.head.Seq && at != m.head {
			broken = fmt.Errorf("line %d: %w: it is not the line that was written last", seq, audit.ErrBroken)
		}
		return seq < m.head.Seq
	})
	switch {
	case broken != nil:
		return broken
	case err != nil:
		return err
	case at.Seq < m.head.Seq:
		return fmt.Errorf("%w: line %d is the last of %d", audit.ErrBroken, at.Seq, m.head.Seq)
	case !told:
		return fmt.Errorf("%w: it begins with line %d, and no line tells that those before it were dropped", audit.ErrBroken, m.base.Seq+1)
	}
	return nil
}

// Head is the end of the log: its number of lines and the hash that stands for all of them. Who notes it elsewhere can tell later that even
// a log that was written anew from its beginning is not the one that was.
func (l *Log) Head() audit.Head { return l.now().head }

// tells reports whether a line says that the log was dropped up to a head.
func tells(line []byte, base audit.Head) bool {
	r, err := audit.Parse(line)
	return err == nil && r.Action == dropAction && r.Who == "penstock" &&
		r.Details["to"] == strconv.FormatUint(base.Seq, 10) && r.Details["sha256"] == hex.EncodeToString(base.Hash[:])
}
