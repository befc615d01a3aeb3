package rule

import "time"

// counts of a rule since the engine was made.
type counts struct {
	seen, fired, errors, dropped uint64
	lastError                    string
	logged                       time.Time // the last time that an error was logged
	unlogged                     uint64    // errors since
	looped                       bool      // that it goes round has been logged
}

// Stats is how a rule is doing.
type Stats struct {
	Rule      string
	On        bool
	Since     time.Time // of On; zero when it never changed
	Seen      uint64    // samples that it looked at
	Fired     uint64    // occasions to act
	Errors    uint64    // actions and statements that went wrong
	Dropped   uint64    // actions left out: a loop, more than could be done, overtaken by a newer value of the same point
	Late      uint64    // samples that came after their window had closed
	LastError string
}

// Stats says how the rules are doing, in the configuration's order.
func (e *Engine) Stats() []Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Stats, len(e.plan.rules))
	for i, r := range e.plan.rules {
		c := &r.stats
		all[i] = Stats{
			Rule: r.cfg.Name, On: r.On, Since: r.Since,
			Seen: c.seen, Fired: c.fired, Errors: c.errors, Dropped: c.dropped, LastError: c.lastError,
		}
		if r.statement != nil {
			all[i].Late = r.statement.Stats().Late
		}
	}
	return all
}

// quiet is how long a rule's errors are only counted after one was logged.
const quiet = time.Minute

// complain counts an error, and logs one a minute. It holds e.mu.
func (e *Engine) complain(r *running, now time.Time, err error) {
	c := &r.stats
	c.errors++
	c.unlogged++
	c.lastError = err.Error()
	if !c.logged.IsZero() && now.Sub(c.logged) < quiet {
		return
	}
	e.log.Warn("rule", "rule", r.cfg.Name, "err", err, "errors", c.unlogged)
	c.logged, c.unlogged = now, 0
}
