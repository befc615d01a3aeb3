package shadow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/gateway/state"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// Shelves is where shadows are kept: a *state.DB.
type Shelves interface {
	Update(room string, change func(state.Shelf) error) error
	View(room string, read func(state.Shelf) error) error
}

// The shelf and its keys. A thing's name has no slash.
const (
	shelf   = "shadows"
	docKey  = "doc/"  // a document, as sync/shadow encodes it
	baseKey = "base/" // what it and the cloud's last had in common
	wishKey = "wish/" // which setting of each desired value this is, as JSON
)

// store keeps documents with what belongs to them. It is a doc.Store.
type store struct {
	shelves Shelves
	now     func() time.Time
	sets    doc.Object // the desired values that Update sets, the same values again included
}

// setting is the store for a request that sets these desired values.
func (s store) setting(desired doc.Object) store {
	s.sets = desired
	return s
}

func key(kind string, id doc.ID) string { return kind + id.Thing + "/" + id.Name }

// pair is a document with what belongs to it.
type pair struct {
	doc    doc.Document
	base   doc.Base
	wishes wishes
}

func (s store) read(shelf state.Shelf, id doc.ID) (p pair, err error) {
	if b := shelf.Get(key(docKey, id)); b != nil {
		if p.doc, err = doc.Decode(b); err != nil {
			return p, fmt.Errorf("shadow %s: %w", id, err)
		}
	}
	if b := shelf.Get(key(baseKey, id)); b != nil {
		if p.base, err = doc.DecodeBase(b); err != nil {
			return p, fmt.Errorf("shadow %s: %w", id, err)
		}
	}
	p.wishes = wishes{}
	if b := shelf.Get(key(wishKey, id)); b != nil {
		if err = json.Unmarshal(b, &p.wishes); err != nil {
			return p, fmt.Errorf("shadow %s: %w", id, err)
		}
	}
	return p, nil
}

// load reads a shadow and what belongs to it as they are together.
func (s store) load(id doc.ID) (p pair, err error) {
	err = s.shelves.View(shelf, func(b state.Shelf) error {
		p, err = s.read(b, id)
		return err
	})
	return p, err
}

// change stores what fn makes of a shadow and what belongs to it, in one transaction.
func (s store) change(id doc.ID, fn func(*pair) error) (p pair, err error) {
	err = s.shelves.Update(shelf, func(b state.Shelf) error {
		if p, err = s.read(b, id); err != nil {
			return err
		}
		if err = fn(&p); err != nil {
			return err
		}
		return s.write(b, id, p)
	})
	return p, err
}

func (s store) write(b state.Shelf, id doc.ID, p pair) error {
	if err := b.Put(key(docKey, id), p.doc.Encode()); err != nil {
		return err
	}
	if err := b.Put(key(baseKey, id), p.base.Encode()); err != nil {
		return err
	}
	text, err := json.Marshal(p.wishes)
	if err != nil {
		return err
	}
	return b.Put(key(wishKey, id), text)
}

// Load implements doc.Store.
func (s store) Load(_ context.Context, id doc.ID) (doc.Document, error) {
	p, err := s.load(id)
	return p.doc, err
}

// Update implements doc.Store. Each desired value that is set is a wish of its own.
func (s store) Update(_ context.Context, id doc.ID, fn func(*doc.Document) error) (doc.Document, error) {
	p, err := s.change(id, func(p *pair) error {
		before := p.doc.State().Desired
		if err := fn(&p.doc); err != nil {
			return err
		}
		for name, value := range p.doc.State().Desired {
			if _, again := s.sets[name]; again || !doc.Equal(before[name], value) {
				p.wishes.set(name, p.doc.Version(), s.now())
			}
		}
		return nil
	})
	return p.doc, err
}

// ids lists the shadows that are kept, deleted ones too: the cloud may not know that yet.
func (s store) ids() (list []doc.ID, err error) {
	err = s.shelves.View(shelf, func(b state.Shelf) error {
		return b.Each(docKey, func(k string, _ []byte) error {
			thing, name, _ := strings.Cut(strings.TrimPrefix(k, docKey), "/")
			list = append(list, doc.ID{Thing: thing, Name: name})
			return nil
		})
	})
	return list, err
}

// forget takes out those that were deleted on both sides so long ago that their versions need not be known.
func (s store) forget(ids []doc.ID, remember time.Duration) error {
	for _, id := range ids {
		p, err := s.load(id)
		if err != nil || p.doc.Exists() || p.base.Synced() || s.now().Sub(time.Unix(p.doc.Deleted(), 0)) < remember {
			continue // one that cannot be read is told where it is used
		}
		err = s.shelves.Update(shelf, func(b state.Shelf) error {
			return errors.Join(b.Delete(key(docKey, id)), b.Delete(key(baseKey, id)), b.Delete(key(wishKey, id)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
