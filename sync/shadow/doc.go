// Package shadow knows what a thing's shadow is: its desired and reported state, versions, per-leaf times, deltas, topics and
// errors, on the wire as AWS IoT has them, and how an edge's copy and the cloud's become one again after any time apart.
//
// It is pure: no clock, no goroutine, no disk, no broker, nothing else of ours. Who stores shadows implements Store. Gateway
// and cloud both import it.
package shadow
