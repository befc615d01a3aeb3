// Package cloud holds the nouns of the control plane and the store interfaces over them, one file a noun.
//
// The rooms below it (broker, ingest, enrol, api, web, store) stand on these nouns and not on each other;
// cloud/server joins them. It imports sync/telemetry and nothing else of ours, and nothing of the gateway.
package cloud

import "errors"

// Errors every store gives, whatever engine it stands on.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
)
