package alarm

import (
	"errors"
	"fmt"
	"time"
)

// Config is what the engineer says of an alarm. Durations of 0 are none.
type Config struct {
	Severity Severity      // default Medium
	OnDelay  time.Duration // the condition must hold this long before the alarm is raised
	OffDelay time.Duration // and be gone this long before it clears
	Latch    bool          // an alarm nobody acknowledged stays as Returned once its condition is gone; else it clears by itself
	Escalate []Escalation  // what an alarm that nobody acknowledges becomes, in order of After
	ReAlarm  time.Duration // an acknowledged alarm whose condition stays must be acknowledged again after this long
}

// Escalation raises the severity of an alarm that stayed unacknowledged. Acknowledging ends it.
type Escalation struct {
	After    time.Duration // since it asked to be acknowledged
	Severity Severity
}

const (
	maxEscalations = 8
	maxDuration    = 10 * 365 * 24 * time.Hour // a longer delay is a mistake, and keeps sums of times in their range
)

// Validate joins all that is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.Severity < 0 || c.Severity > Critical {
		errs = append(errs, fmt.Errorf("%v: use low, medium, high or critical", c.Severity))
	}
	for _, d := range []struct {
		name string
		time.Duration
	}{{"on-delay", c.OnDelay}, {"off-delay", c.OffDelay}, {"re-alarm", c.ReAlarm}} {
		if d.Duration < 0 || d.Duration > maxDuration {
			errs = append(errs, fmt.Errorf("%s of %v: use 0 to 10 years", d.name, d.Duration))
		}
	}
	if len(c.Escalate) > maxEscalations {
		errs = append(errs, fmt.Errorf("%d escalations, at most %d can be", len(c.Escalate), maxEscalations))
	}
	var last time.Duration
	for i, e := range c.Escalate {
		if e.After <= last || e.After > maxDuration {
			errs = append(errs, fmt.Errorf("escalation %d after %v: must come after the one before (%v)", i+1, e.After, last))
		}
		if e.Severity < Low || e.Severity > Critical {
			errs = append(errs, fmt.Errorf("escalation %d: %v: use low, medium, high or critical", i+1, e.Severity))
		}
		last = e.After
	}
	return errors.Join(errs...)
}

// full fills in the default.
func (c Config) full() Config {
	if c.Severity == 0 {
		c.Severity = Medium
	}
	return c
}
