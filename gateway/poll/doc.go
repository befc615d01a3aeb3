// Package poll decides when points are read: due times, deadlines, back-off, reopening.
//
// One Poller serves one connection in one goroutine, so a bus is never asked two things at once. It knows adapters
// through their seam and nothing of what becomes of a sample.
package poll
