package command

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/audit"
)

// page is the shelf within one transaction. Its marks count once the transaction is on disk.
type page struct {
	shelf state.Shelf
	marks marks
	most  int64
}

// audit appends a line, and drops the oldest when there are too many.
func (p *page) audit(e audit.Entry) error {
	if err := p.line(e); err != nil {
		return err
	}
	if p.marks.bytes <= p.most || p.marks.head.Seq-p.marks.base.Seq <= dropped {
		return nil
	}
	if err := p.drop(); err != nil {
		return err
	}
	return p.line(audit.Entry{
		Time: e.Time, Who: "penstock", Action: dropAction, Object: "audit", Outcome: audit.Done, Reason: "the log had grown to its bound",
		Details: map[string]string{"to": strconv.FormatUint(p.marks.base.Seq, 10), "sha256": hex.EncodeToString(p.marks.base.Hash[:])},
	})
}

func (p *page) line(e audit.Entry) error {
	line, head, err := p.marks.head.Seal(e)
	if err != nil {
		return err
	}
	p.marks.head = head
	p.marks.bytes += int64(len(line))
	return p.shelf.Put(lineKey(head.Seq), line)
}

// dropAction is what a line says that tells up to which line, and its hash, the log was dropped.
const dropAction = "audit.drop"

// dropped is how many lines go at a time.
const dropped = 1000

// drop takes the oldest lines out. One that somebody took out before shows in Verify, and is no reason to stop orders.
func (p *page) drop() error {
	for range dropped {
		key := lineKey(p.marks.base.Seq + 1)
		line := p.shelf.Get(key)
		p.marks.base = audit.Head{Seq: p.marks.base.Seq + 1, Hash: sha256.Sum256(line)}
		p.marks.bytes -= int64(len(line))
		if err := p.shelf.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// end puts the marks.
func (p *page) end() error {
	m, err := p.marks.encode()
	if err != nil {
		return err
	}
	return p.shelf.Put(marksKey, m)
}

// Bounds of the keys of orders that are done.
const (
	maxKeys = 100_000
	keyLife = 7 * 24 * time.Hour
)

// open keeps an order as asked for.
func (p *page) open(id string, r record) error { return p.put("open/"+id, r) }

// closed keeps what came of an order. One without a key is forgotten: it cannot come again.
func (p *page) closed(id string, r record) error {
	if err := p.shelf.Delete("open/" + id); err != nil || !r.Keyed {
		return err
	}
	if err := p.put("done/"+id, r); err != nil {
		return err
	}
	if err := p.shelf.Put(ageKey(p.marks.next), []byte(id)); err != nil {
		return err
	}
	p.marks.next++
	if r.Answer != "" {
		if err := p.shelf.Put("answer/"+id, nil); err != nil {
			return err
		}
	}
	return p.forget(r.At)
}

func ageKey(n uint64) string { return fmt.Sprintf("age/%016x", n) }

func (p *page) put(key string, r record) error {
	b, err := r.encode()
	if err != nil {
		return err
	}
	return p.shelf.Put(key, b)
}

// forget drops the oldest keys that are too many or too old, at most two for each that is new.
func (p *page) forget(now time.Time) error {
	for range 2 {
		if p.marks.oldest == p.marks.next {
			return nil
		}
		age := ageKey(p.marks.oldest)
		id := string(p.shelf.Get(age))
		r, err := readRecord(p.shelf.Get("done/" + id))
		if err == nil && p.marks.next-p.marks.oldest <= maxKeys && now.Sub(r.At) <= keyLife {
			return nil
		}
		if r.Issued.After(p.marks.floor) {
			p.marks.floor = r.Issued
		}
		p.marks.oldest++
		for _, key := range []string{age, "done/" + id, "answer/" + id} {
			if err := p.shelf.Delete(key); err != nil {
				return err
			}
		}
	}
	return nil
}
