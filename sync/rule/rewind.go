package rule

// rewound tells whether the clock was set back: nothing that was taken in or closed by a clock that only goes forward is so far ahead of now.
func (r *Rule) rewound() bool {
	limit := r.env.now + int64(r.o.Ahead)
	return r.state.latest > limit || r.state.closed > limit
}

// rewind closes what is open after the clock was set back, as it stands: its end would never come, and until then every event would be
// late. What slides begins anew.
func (r *Rule) rewind(emit func(Row)) {
	w := &r.statement.window
	switch w.kind {
	case tumbling, hopping:
		r.closeUntil(forever-1, emit)
	case session:
		r.closeSessions(forever-1, emit)
	case sliding:
		for _, g := range r.state.groups {
			for g.times.n > 0 {
				r.evict(g)
			}
		}
	}
	r.state.latest, r.state.closed = beginning, beginning
}
