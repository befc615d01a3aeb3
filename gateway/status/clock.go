package status

import (
	"fmt"
	"time"
)

// Clock is the machine's clock.
type Clock struct {
	Synchronised bool   `json:"synchronised"` // by a time service, as the kernel says
	InDoubt      bool   `json:"in_doubt"`     // samples are marked uncertain, and put right once the time is known
	Why          string `json:"why"`
	Steps        uint64 `json:"steps"` // how often it was set since the start
	LastStep     *Step  `json:"last_step"`
}

// Step is one setting of the clock.
type Step struct {
	At  time.Time `json:"at"`   // by the clock after it
	ByS float64   `json:"by_s"` // seconds, forward or back
}

// Word says in a word or two how the clock is, Story why, and when it was set.
func (c Clock) Word() string {
	switch {
	case c.InDoubt:
		return "in doubt"
	case c.Synchronised:
		return "synchronised"
	}
	return "not synchronised"
}

// Story is what Word leaves out.
func (c Clock) Story() string {
	story := c.Why
	if c.Why == c.Word() {
		story = ""
	}
	if s := c.LastStep; s != nil {
		if story != "" {
			story += "; "
		}
		story += fmt.Sprintf("set by %+.3f s, to %s", s.ByS, s.At.Format(time.RFC3339))
	}
	return story
}

func (m *markup) clock(c Clock) {
	class := ""
	if c.InDoubt {
		class = "bad"
	}
	m.f(`<dt>Clock</dt><dd class="%s">%s`, class, c.Word())
	if story := c.Story(); story != "" {
		m.f(`<br><span class="dim">%s</span>`, story)
	}
	m.raw(`</dd>`)
}
