// Package local is the embedded store: one SQLite file, nothing to install, durable on its own.
//
// It knows how the nouns of cloud/ become rows and how blocks become chunks, and nothing of brokers, HTTP or what a
// sample means. One goroutine writes and groups everything that waits into one transaction with one sync to disk; readers
// see snapshots beside it. cloud/server alone imports it, and storetest holds it to the contract.
package local
