// Package flow is a sample's way from an adapter to the buffer: range, deadband, latest value, block.
//
// It decides what is kept and when a block is sealed. It knows nothing of protocols, sockets or the cloud;
// gateway joins it to the adapters before it and the buffer behind it.
package flow
