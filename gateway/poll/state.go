package poll

import "time"

// State is what a connection looks like from outside.
type State struct {
	Name     string
	Kind     string
	State    string    // up | down | degraded: some device on it keeps silent
	Why      string    // why it is down, or which devices are silent
	RetryAt  time.Time // when a connection that is down is tried again
	Requests uint64    // readings of a group of points
	Errors   uint64    // of these, how many did not bring every device's answer
	Overruns uint64    // scans left out because the one before took too long
	P50, P99 time.Duration
	Busy     time.Duration // that readings and writes have taken since the start
	Load     float64       // the part of the last minute that they took: 0 to 1
}

// State says how the connection is now.
func (p *Poller) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.P50, s.P99 = p.took.percentiles()
	s.Busy, s.Load = p.load.total, p.load.share(time.Now())
	return s
}
