// Package ledger watches the ledgers of all gateways: it sums them up, and has an alarm raised where blocks are missing that no gateway
// holds or has declared lost.
//
// It knows the nouns of cloud/ and nothing of how blocks come in or alarms are kept; server joins it to both.
package ledger
