package shadow

import (
	"context"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// book is the store as the desk wants it, for one request: with what an accepted one leaves in the audit log.
type book struct {
	store cloud.ShadowStore
	lines func(doc.Document) []audit.Entry
}

func (b book) Load(ctx context.Context, id doc.ID) (doc.Document, error) {
	return b.store.Shadow(ctx, id)
}

func (b book) Update(ctx context.Context, id doc.ID, fn func(*doc.Document) error) (doc.Document, error) {
	return b.store.UpdateShadow(ctx, id, func(d *doc.Document) ([]audit.Entry, error) {
		if err := fn(d); err != nil {
			return nil, err
		}
		return b.lines(*d), nil
	})
}
