package status

import "strconv"

// Rule is how one rule of the configuration fares.
type Rule struct {
	Name    string `json:"name"`
	On      bool   `json:"on"`
	Seen    uint64 `json:"seen"`    // samples that it looked at
	Fired   uint64 `json:"fired"`   // how often it acted
	Errors  uint64 `json:"errors"`  // actions and evaluations that failed
	Dropped uint64 `json:"dropped"` // actions left out: a loop, or too many in too short a time
	Why     string `json:"why,omitempty"`
}

// rules shows those that do something, and those that fail.
func (m *markup) rules(rules []Rule) {
	if len(rules) == 0 {
		return
	}
	m.raw(`<div class="card"><h2>Rules</h2>`)
	for _, r := range rules {
		m.raw(`<p>`)
		if r.On {
			m.raw(`<span class="late">● on</span>`)
		} else {
			m.raw(`<span class="dim">○</span>`)
		}
		m.f(` <b>%s</b> <span class="dim">acted %s</span>`, r.Name, times(r.Fired))
		if n := r.Errors + r.Dropped; n > 0 {
			m.f(` <span class="bad">%s failed, %s left out</span>`, strconv.FormatUint(r.Errors, 10), strconv.FormatUint(r.Dropped, 10))
		}
		if r.Why != "" {
			m.f(`<br><span class="bad">%s</span>`, r.Why)
		}
		m.raw(`</p>`)
	}
	m.raw(`</div>`)
}

func times(n uint64) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return group(n) + " times"
}
