package poll

import "time"

// Bounds of asking devices that keep silent, where others on the same connection answer: each such question costs a whole time-out.
const (
	probeShare    = 15              // of the connection's time, one part goes to probes at most
	probePatience = 5 * time.Second // then a probe goes before readings, on a connection that is never free
)

// quiet reports whether the device is one that is probed, not read. One that has never answered is taken for silent after its first reading, any
// other after its second: a single lost answer is the ordinary life of a serial line.
func (d *device) quiet() bool { return d.silent >= silentAfter || d.silent > 0 && !d.heard }

// probeAfter is when a device that keeps silent may be asked.
func (p *Poller) probeAfter(d *device) time.Time {
	if d.probeAt.Before(p.probeFrom) {
		return p.probeFrom
	}
	return d.probeAt
}

// probe finds the silent device that has waited longest: the first of its groups, which is the one read most often. nil: it is none's turn.
func (p *Poller) probe(now time.Time) (longest *group) {
	for _, g := range p.groups {
		if g.reader == nil || !g.device.quiet() || now.Before(p.probeAfter(g.device)) {
			continue
		}
		if longest == nil || g.device.probeAt.Before(longest.device.probeAt) {
			longest = g
		}
	}
	return longest
}

// spare leaves the connection to those who answer, after a probe that was in vain.
func (p *Poller) spare(took time.Duration) {
	for _, g := range p.groups {
		if g.device.heard && !g.device.quiet() {
			p.probeFrom = time.Now().Add((probeShare - 1) * took)
			return
		}
	}
}
