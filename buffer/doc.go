// Package buffer is a durable queue of bytes on bbolt: what Append has taken survives any crash until it is acknowledged.
//
// It is a folder of segments, each a bbolt file; the newest takes what comes, a segment whose records are all acknowledged
// or given up is unlinked. It knows classes, sizes and sequence numbers, and nothing of what the bytes mean. It imports
// nothing of ours; gateway uses it.
package buffer
