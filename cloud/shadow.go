package cloud

import (
	"context"

	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/shadow"
)

// ShadowStore keeps the shadows of things, whether the registry knows the things or not.
type ShadowStore interface {
	// Shadow gives one; one that was never there is the zero Document, not an error. A deleted one remembers its version.
	Shadow(ctx context.Context, id shadow.ID) (shadow.Document, error)
	// UpdateShadow has change work on the stored document and keeps what it made of it, durable when it returns, with the audit lines it gives,
	// in one transaction; no other update of the same shadow comes between. An error of change is returned as it is, and nothing is
	// kept then. change runs on the caller's goroutine, and must not call UpdateShadow.
	UpdateShadow(ctx context.Context, id shadow.ID, change func(*shadow.Document) ([]audit.Entry, error)) (shadow.Document, error)
	// ShadowNames lists the named shadows that a thing has, by name, after a name (empty: from the first). The classic one has no name.
	ShadowNames(ctx context.Context, thing, after string, max int) ([]string, error)
}
