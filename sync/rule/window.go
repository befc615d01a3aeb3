package rule

import "time"

// state is everything a rule remembers. Order is kept everywhere, so that rows come in the same order every time.
type state struct {
	groups   []*group
	byKey    map[string]*group
	topics   []*past
	past     map[string]*past
	latest   int64 // the newest event time seen
	closed   int64 // windows that end by then have been emitted
	nextEnd  int64 // of the open windows the first that ends
	held     int   // events kept in windows
	nextDead int64 // no session ends before
}

func (s *state) clear() {
	*s = state{byKey: map[string]*group{}, past: map[string]*past{}, latest: beginning, closed: beginning, nextEnd: forever, nextDead: forever}
}

// group is what GROUP BY made of one set of values, with its open windows.
type group struct {
	key   string
	panes []pane      // tumbling, hopping and session windows that are open, by their start
	times ring[int64] // sliding and counting: of the events in it
	cells []column    // likewise
	since int64       // counting: events since the last row
	dead  bool        // taken out of the state
}

type pane struct {
	start, end int64
	last       int64 // session: the newest event
	events     int
	cells      []column
}

// slides reports whether events leave a window one by one.
func (w *window) slides() bool { return w.kind == sliding || w.kind == counting && w.every < w.count }

// groupKey writes the values of GROUP BY into r.key.
func (r *Rule) groupKey(p *program) {
	e := &r.env
	if e.point != nil && p.perPoint && e.point.group != nil && !e.point.group.dead {
		return
	}
	r.key = r.key[:0]
	for _, g := range p.group {
		v := g(e)
		if budget := maxSource; !v.within(&budget) {
			e.failf("a value of GROUP BY is larger than %d bytes", maxSource)
			return
		}
		r.key = append(append(v.AppendJSON(r.key), byte(v.kind)), 0)
	}
}

func (r *Rule) group(p *program) *group {
	at := r.env.point
	if at != nil && p.perPoint && at.group != nil && !at.group.dead {
		return at.group
	}
	g := r.state.byKey[string(r.key)]
	if g == nil {
		if len(r.state.groups) >= r.o.MaxGroups && !r.sweep() {
			return nil
		}
		g = &group{key: string(r.key)}
		r.state.byKey[g.key] = g
		r.state.groups = append(r.state.groups, g)
	}
	if at != nil && p.perPoint {
		at.group = g
	}
	return g
}

// sweep forgets groups that have nothing open, and reports whether that made room.
func (r *Rule) sweep() bool {
	kept := r.state.groups[:0:0]
	for _, g := range r.state.groups {
		old := r.statement.window.kind == sliding && g.times.n > 0 && g.times.at(g.times.n-1) <= r.state.latest-int64(r.statement.window.length)
		if len(g.panes) > 0 || g.times.n > 0 && !old || g.since > 0 {
			kept = append(kept, g)
			continue
		}
		g.dead = true
		r.state.held -= g.times.n
		delete(r.state.byKey, g.key)
	}
	r.state.groups = kept
	return len(kept) < r.o.MaxGroups
}

// intoWindow puts the event whose arguments stand in r.args into its group.
func (r *Rule) intoWindow(p *program, t int64, emit func(Row)) error {
	w := &r.statement.window
	if r.state.held >= r.o.MaxEvents && (w.slides() || r.keepsEvents()) {
		return ErrTooMuch
	}
	g := r.group(p)
	if g == nil {
		return ErrTooMuch
	}
	r.state.latest = max(r.state.latest, t)
	switch w.kind {
	case tumbling, hopping:
		r.intoPanes(g, t, emit)
	case session:
		r.intoSession(g, t, emit)
	case sliding:
		r.intoSliding(g, t, emit)
	case counting:
		r.intoCounting(g, t, emit)
	}
	return r.env.lost
}

func (r *Rule) keepsEvents() bool {
	for i := range r.columns {
		if r.columns[i].fn == percentile {
			return true
		}
	}
	return false
}

func (r *Rule) put(cells []column, slides bool) []column {
	if cells == nil {
		cells = make([]column, len(r.columns))
	}
	for i := range cells {
		cells[i].add(r.columns[i].fn, r.args[i], slides)
	}
	return cells
}

// intoPanes closes what has ended by this event, and adds it to the windows it is in. Windows begin at multiples of their step since 1970.
func (r *Rule) intoPanes(g *group, t int64, emit func(Row)) {
	w := &r.statement.window
	r.closeUntil(r.state.latest-int64(r.o.Late), emit)
	length, step := int64(w.length), int64(w.length)
	if w.kind == hopping {
		step = int64(w.step)
	}
	found := false
	newest := t - t%step
	if newest > t { // before 1970
		newest -= step
	}
	for start := newest; start+length > t; start -= step {
		if start+length > r.state.closed {
			found = true
			r.pane(g, start, start+length)
		}
	}
	if !found {
		r.stats.Late++
	}
}

// pane adds the event to the group's window with this start.
func (r *Rule) pane(g *group, start, end int64) {
	at := len(g.panes)
	for at > 0 && g.panes[at-1].start > start {
		at--
	}
	if at == 0 || g.panes[at-1].start != start {
		g.panes = append(g.panes, pane{})
		copy(g.panes[at+1:], g.panes[at:])
		g.panes[at] = pane{start: start, end: end}
		at++
	}
	open := &g.panes[at-1]
	open.cells = r.put(open.cells, false)
	open.events++
	if r.keepsEvents() {
		r.state.held++
	}
	r.state.nextEnd = min(r.state.nextEnd, end)
}

// closeUntil emits the windows that end by the time, earliest first, and within one end in the order in which groups appeared.
func (r *Rule) closeUntil(t int64, emit func(Row)) {
	if kind := r.statement.window.kind; kind != tumbling && kind != hopping {
		return
	}
	for r.state.nextEnd <= t {
		end := r.state.nextEnd
		r.state.nextEnd = forever
		for _, g := range r.state.groups {
			for len(g.panes) > 0 && g.panes[0].end == end {
				closing := g.panes[0]
				g.panes = append(g.panes[:0], g.panes[1:]...)
				r.release(&closing)
				r.group1(closing.cells, closing.start, end, emit)
			}
			if len(g.panes) > 0 {
				r.state.nextEnd = min(r.state.nextEnd, g.panes[0].end)
			}
		}
	}
	// All windows that end by t have closed, also those that nothing was in.
	r.state.closed = max(r.state.closed, t)
}

func (r *Rule) release(p *pane) {
	if r.keepsEvents() {
		r.state.held -= p.events
	}
}

// group1 emits the row of one group of one window, if HAVING lets it.
func (r *Rule) group1(cells []column, start, end int64, emit func(Row)) {
	e := &r.env
	e.start, e.end = start, end
	slides := r.statement.window.slides()
	p := r.programs[fromMessage] // names are in columns already, so either program does
	if p.plain {
		for i := range cells {
			r.values[i] = cells[i].result(&r.columns[i], e, slides)
		}
		emit(Row{at: end, layout: r.layout, values: r.values})
		return
	}
	e.steps, e.err = r.o.Steps, nil
	for i := range cells {
		e.results[i] = cells[i].result(&r.columns[i], e, slides)
	}
	if p.having != nil && p.having(e) != True {
		e.lose()
		return
	}
	p.evalItems(e, r.values)
	if !e.lose() {
		emit(Row{at: end, layout: r.layout, values: r.values})
	}
}

// intoSession ends the group's session if this event is too late for it, and adds the event to it or to a new one.
func (r *Rule) intoSession(g *group, t int64, emit func(Row)) {
	w := &r.statement.window
	if len(g.panes) > 0 {
		open := &g.panes[0]
		t = max(t, open.last)
		if t > open.last+int64(w.step) || t >= open.start+int64(w.length) {
			r.closeSession(g, emit)
		}
	}
	if len(g.panes) == 0 {
		g.panes = append(g.panes, pane{start: t})
	}
	open := &g.panes[0]
	open.cells = r.put(open.cells, false)
	open.last, open.end = t, min(t+int64(w.step), open.start+int64(w.length))
	open.events++
	if r.keepsEvents() {
		r.state.held++
	}
	r.state.nextDead = min(r.state.nextDead, open.end)
}

func (r *Rule) closeSession(g *group, emit func(Row)) {
	closing := g.panes[0]
	g.panes = g.panes[:0]
	r.release(&closing)
	r.group1(closing.cells, closing.start, closing.end, emit)
}

// closeSessions ends those that nothing can join any more.
func (r *Rule) closeSessions(now int64, emit func(Row)) {
	if r.statement.window.kind != session || now <= r.state.nextDead {
		return
	}
	r.state.nextDead = forever
	for _, g := range r.state.groups {
		if len(g.panes) > 0 && now > g.panes[0].end {
			r.closeSession(g, emit)
		}
		if len(g.panes) > 0 {
			r.state.nextDead = min(r.state.nextDead, g.panes[0].end)
		}
	}
}

// intoSliding emits what the window is with this event: those of its group that are younger than its length. An event that is older
// than the newest of its group counts at that one's time.
func (r *Rule) intoSliding(g *group, t int64, emit func(Row)) {
	length := int64(r.statement.window.length)
	if g.times.n > 0 {
		newest := g.times.at(g.times.n - 1)
		if t <= newest-length {
			r.stats.Late++
			return
		}
		t = max(t, newest)
	}
	g.cells = r.put(g.cells, true)
	g.times.push(t)
	r.state.held++
	for g.times.at(0) <= t-length {
		r.evict(g)
	}
	r.group1(g.cells, t-length, t, emit)
}

func (r *Rule) evict(g *group) {
	for i := range g.cells {
		g.cells[i].evict(r.columns[i].fn)
	}
	g.times.pop()
	r.state.held--
}

// intoCounting emits after every so many events what the last ones were.
func (r *Rule) intoCounting(g *group, t int64, emit func(Row)) {
	w := &r.statement.window
	slides := w.slides()
	g.cells = r.put(g.cells, slides)
	g.times.push(t)
	r.state.held++
	for slides && g.times.n > w.count {
		r.evict(g)
	}
	if g.since++; g.since < int64(w.every) {
		return
	}
	g.since = 0
	r.group1(g.cells, g.times.at(0), t, emit)
	if !slides {
		r.state.held -= g.times.n
		g.times, g.cells = ring[int64]{}, nil
	}
}

// Next is when the next Tick has something to close; false when nothing waits for time to pass.
func (r *Rule) Next() (time.Time, bool) {
	switch {
	case r.state.nextEnd < forever:
		return time.Unix(0, r.state.nextEnd+int64(r.o.Late)), true
	case r.state.nextDead < forever:
		return time.Unix(0, r.state.nextDead+1), true
	}
	return time.Time{}, false
}
