package poll

import (
	"testing"
	"time"
)

// TestReadingsAreStaggered: whatever moment a connection comes up at, its readings fall into its own share of the scan from then on, a scan apart.
func TestReadingsAreStaggered(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	for share := range 10 {
		for late := range 20 {
			g := &group{scan: time.Second, grid: start.Add(time.Duration(share) * 100 * time.Millisecond)}
			g.due = start.Add(time.Duration(late) * 50 * time.Millisecond) // came up, and is read at once
			before := g.due
			for n := range 5 {
				if missed := g.advance(g.due); missed > 0 {
					t.Fatalf("share %d, up at %v: %d readings missed by staggering", share, before.Sub(start), missed)
				}
				if off := g.due.Sub(g.grid) % g.scan; off != 0 {
					t.Fatalf("share %d: reading %d is %v beside its place", share, n, off)
				}
				if gap := g.due.Sub(before); gap < g.scan/2 || gap > g.scan*3/2 || n > 0 && gap != g.scan {
					t.Fatalf("share %d, up at %v: %v between readings %d and %d", share, before.Sub(start), gap, n, n+1)
				}
				before = g.due
			}
		}
	}
}
