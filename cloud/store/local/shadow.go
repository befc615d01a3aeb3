package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/penstock-edge/penstock/sync/audit"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// forgetDeleted is after how many seconds the row of a deleted shadow may go, for its version counts no more (48 h): with room for clocks
// that were set.
const forgetDeleted = 7 * 24 * 3600

// maxNewest is the largest document that is kept decoded, in stored bytes. All of them at once, which only an attacker has, take some 60 MB.
const maxNewest = 16 << 10

// shadowLocks has the updates of one shadow come one after the other. Shadows share a lock by chance, of many: the documents are read, changed
// and encoded on the callers' goroutines, so the writer has no more to do than to store them.
type shadowLocks struct {
	seed maphash.Seed
	of   [1024]shadowLock
}

// shadowLock remembers what was stored last under it: whoever updates one shadow again and again need not read it. The file has one writer, and
// the lock is held until that has written, so what is remembered is what is stored.
type shadowLock struct {
	sync.Mutex
	id     doc.ID // of newest; the zero ID when there is none
	newest doc.Document
}

func (l *shadowLocks) lock(id doc.ID) *shadowLock {
	mu := &l.of[maphash.Comparable(l.seed, id)%uint64(len(l.of))]
	mu.Lock()
	return mu
}

func (l *shadowLock) keep(id doc.ID, d doc.Document, size int) {
	l.id, l.newest = doc.ID{}, doc.Document{}
	if size <= maxNewest {
		l.id, l.newest = id, d
	}
}

// Shadow implements cloud.ShadowStore.
func (s *Store) Shadow(ctx context.Context, id doc.ID) (d doc.Document, err error) {
	var stored []byte
	err = s.readers.read(ctx, func(c *conn) error {
		return c.one(ctx, "SELECT document FROM shadow WHERE thing = ? AND name = ?", []any{id.Thing, id.Name}, &stored)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return d, nil
	case err == nil:
		d, err = doc.Decode(stored)
	}
	if err != nil {
		return d, fmt.Errorf("read the shadow %v: %w", id, err)
	}
	return d, nil
}

// UpdateShadow implements cloud.ShadowStore.
func (s *Store) UpdateShadow(ctx context.Context, id doc.ID, change func(*doc.Document) ([]audit.Entry, error)) (doc.Document, error) {
	l := s.shadows.lock(id)
	defer l.Unlock()
	d, err := l.newest, error(nil)
	if l.id != id {
		d, err = s.Shadow(ctx, id)
	}
	if err != nil {
		return d, err
	}
	entries, err := change(&d)
	if err != nil {
		return d, err
	}
	stored := d.Encode()
	err = s.writer.write(ctx, func(c *conn) error {
		if err := putShadow(c, id, d.Deleted(), stored); err != nil {
			return err
		}
		return appendAudit(c, entries...)
	})
	if err != nil {
		l.keep(doc.ID{}, doc.Document{}, 0) // whether it was stored says the file
		return d, fmt.Errorf("store the shadow %v: %w", id, err)
	}
	l.keep(id, d, len(stored))
	return d, nil
}

func putShadow(c *conn, id doc.ID, deleted int64, stored []byte) error {
	_, err := c.exec(context.Background(), `INSERT INTO shadow (thing, name, deleted, document) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET deleted = excluded.deleted, document = excluded.document`, id.Thing, id.Name, deleted, stored)
	if err != nil || deleted == 0 {
		return err
	}
	// Each deletion takes a few away that are long forgotten, so that names which come and go don't fill the disk.
	_, err = c.exec(context.Background(), `DELETE FROM shadow WHERE (thing, name) IN
		(SELECT thing, name FROM shadow WHERE deleted > 0 AND deleted < ? ORDER BY deleted LIMIT 4)`, deleted-forgetDeleted)
	return err
}

// ShadowNames implements cloud.ShadowStore.
func (s *Store) ShadowNames(ctx context.Context, thing, after string, max int) (names []string, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT name FROM shadow WHERE thing = ? AND name > ? AND deleted = 0 ORDER BY name LIMIT ?"
		return c.each(ctx, query, []any{thing, after, max}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the shadows of %s: %w", thing, err)
	}
	return names, nil
}
