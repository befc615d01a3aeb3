package shadow

import "context"

// Store keeps documents: bbolt on the gateway, the database in the cloud. It is called from any goroutine.
type Store interface {
	// Load gives a shadow; one that was never there is the zero Document, not an error.
	Load(ctx context.Context, id ID) (Document, error)

	// Update runs fn on the stored document and stores what fn made of it, in one transaction, durable when it returns: no
	// other update of the same shadow comes between. It may run fn again from the start (a transaction that is tried again).
	// An error of fn is returned as it is, and nothing is stored.
	Update(ctx context.Context, id ID, fn func(*Document) error) (Document, error)
}
