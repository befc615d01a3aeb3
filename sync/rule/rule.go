package rule

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Options are what a rule may use and how much it may hold. The zero value works.
type Options struct {
	// Functions reach beyond the message: function, lookup, secret, shadow, registry (the README says which name of AWS's is which).
	// One that is not here gives Undefined; an error fails the evaluation. Arguments are the caller's to keep.
	Functions map[string]func(args []Value) (Value, error)
	Account   string        // what accountid() gives
	Rand      func() uint64 // of rand() and newuuid(); default: math/rand/v2
	Steps     int           // one evaluation may take; default 1,000,000
	Late      time.Duration // how long a window waits, after its end, for events that are late; default 0
	Ahead     time.Duration // an event further in the future than this counts as now: a clock is wrong; default 1 min
	MaxGroups int           // groups of a window, and topics of lag and changed; default 10,000
	MaxEvents int           // events held in all windows of the rule; default 1,000,000
}

func (o *Options) defaults() {
	if o.Rand == nil {
		o.Rand = rand.Uint64
	}
	if o.Steps <= 0 {
		o.Steps = defaultSteps
	}
	if o.Ahead <= 0 {
		o.Ahead = time.Minute
	}
	if o.MaxGroups <= 0 {
		o.MaxGroups = 10_000
	}
	if o.MaxEvents <= 0 {
		o.MaxEvents = 1_000_000
	}
}

// Stats count what a rule left out. Late events came after their window had closed; Ahead had a time in the future.
type Stats struct{ Late, Ahead uint64 }

// Rule is a statement at work, with the state of its windows. One goroutine at a time; emit may not call the rule.
type Rule struct {
	statement *Statement
	o         Options
	env       env
	programs  [2]*program // by source: fromMessage, fromSample
	layout    *layout
	columns   []columnSpec
	points    []point
	state     state
	values    []Value // of the row under way
	args      []Value // of the columns, for the event under way
	key       []byte  // of the group, for the event under way
	stats     Stats
}

// New makes a rule with no past.
func New(s *Statement, o Options) *Rule {
	o.defaults()
	r := &Rule{statement: s, o: o, layout: layoutOf(s.body)}
	r.env.o = &r.o
	r.columns = s.columns()
	for _, source := range []source{fromMessage, fromSample} {
		r.programs[source] = s.compile(source, r.columns)
	}
	r.args, r.values = make([]Value, len(r.columns)), make([]Value, len(s.body.items))
	r.env.results, r.env.memory = make([]Value, len(r.columns)), make([]Value, len(s.memories()))
	r.state.clear()
	return r
}

// Statement is what the rule evaluates.
func (r *Rule) Statement() *Statement { return r.statement }

// Stats are the counts since New or UnmarshalBinary.
func (r *Rule) Stats() Stats { return r.stats }

// Eval gives the rule a message that was received now. Rows are emitted before it returns: those of windows that end by this
// message's time, then the message's own. An error about the message leaves it out and the state as it was; one about a window's row
// loses that row alone.
func (r *Rule) Eval(now time.Time, in Message, emit func(Row)) error {
	if !r.statement.Matches(in.Topic) {
		return nil
	}
	e := &r.env
	r.begin(now, emit)
	e.msg, e.point = &in, nil
	t := e.now
	if !in.Time.IsZero() {
		t = r.eventTime(in.Time.UnixNano())
	}
	return r.event(r.programs[fromMessage], in.Topic, t, emit)
}

// Tick closes the windows that have ended by now. A rule that windows time needs one whenever no message comes: at Next.
func (r *Rule) Tick(now time.Time, emit func(Row)) error {
	r.begin(now, emit)
	r.closeUntil(r.env.now-int64(r.o.Late), emit)
	r.closeSessions(r.env.now, emit)
	return r.env.lost
}

// begin sets the clock for one call.
func (r *Rule) begin(now time.Time, emit func(Row)) {
	r.env.begin(now.UnixNano())
	if r.rewound() {
		r.rewind(emit)
		r.env.begin(now.UnixNano())
	}
}

// eventTime takes a time as it came, or now where its clock is plainly wrong.
func (r *Rule) eventTime(t int64) int64 {
	if t > r.env.now+int64(r.o.Ahead) {
		r.stats.Ahead++
		return r.env.now
	}
	return max(t, beginning)
}

func (r *Rule) event(p *program, topic string, t int64, emit func(Row)) error {
	e := &r.env
	var past *past
	if len(p.memory) > 0 {
		if past = r.past(topic); past == nil {
			return ErrTooMuch
		}
		past.recall(e, p.memory)
	}
	fires := p.where(e) == True
	switch {
	case e.err != nil:
		return e.err
	case fires && r.statement.window.kind == noWindow:
		p.evalItems(e, r.values)
	case fires:
		for i, arg := range p.columns {
			r.args[i] = arg(e)
		}
		r.groupKey(p)
	}
	switch {
	case e.err != nil:
		return e.err
	case past != nil:
		past.remember(e, p.memory)
	}
	switch {
	case !fires:
	case r.statement.window.kind == noWindow:
		r.emit(t, emit)
	default:
		return r.intoWindow(p, t, emit)
	}
	return nil
}

// emit hands over the row that stands in r.values.
func (r *Rule) emit(t int64, emit func(Row)) {
	row := Row{at: t, layout: r.layout, values: r.values}
	if len(r.layout.keys) == 1 && r.layout.keys[0] == nil && r.env.point == nil && r.env.body.kind == Undefined {
		row.raw = r.env.msg.Payload
	}
	emit(row)
}

// program is a statement compiled for one source of names.
type program struct {
	where    cond
	memory   []memoryCall
	group    []eval
	perPoint bool // the group of a sample depends on its point alone
	columns  []eval
	items    []eval
	having   cond // nil without
	plain    bool // the row of a window is its columns, one by one
}

func (p *program) evalItems(e *env, into []Value) {
	for i, item := range p.items {
		into[i] = item(e)
	}
}

func (s *Statement) compile(from source, columns []columnSpec) *program {
	c := &compiler{source: from, slots: map[node]eval{}}
	if from == fromSample {
		c.number, c.known = sampleNumber, new(int)
	}
	p := &program{perPoint: true}
	for i, n := range s.memories() {
		p.memory = append(p.memory, c.memoryCall(n))
		c.slots[n] = func(e *env) Value { return e.memory[i] }
	}
	p.where, p.group = c.where(s.body.where), c.all(s.group)
	for _, n := range s.group {
		p.perPoint = p.perPoint && dependsOnPoint(n)
	}
	for i, spec := range columns {
		p.columns = append(p.columns, c.columnArgument(spec))
		c.slots[spec.node] = func(e *env) Value { return e.results[i] }
	}
	p.items = c.items(s.body)
	if s.having != nil {
		p.having = c.cond(s.having)
	}
	p.plain = s.having == nil && len(columns) == len(s.body.items)
	for i := 0; p.plain && i < len(columns); i++ {
		p.plain = columns[i].node == s.body.items[i].expr
	}
	return p
}

// whole numbers of nanoseconds outside which no time lies; both ends leave room for a window's length.
const (
	beginning = math.MinInt64 / 2
	forever   = math.MaxInt64 / 2
)

// Bind tells the rule of the points whose samples it will be given; Sample.Point is a place in it. The state stays.
func (r *Rule) Bind(points []Point) {
	r.points = make([]point, len(points))
	for i, p := range points {
		r.points[i] = point{Point: p, matches: r.statement.Matches(p.Topic)}
	}
}

// Sample gives the rule a sample of a bound point, as Eval does a message: value, time (ms since 1970), quality, unit and topic(n)
// are its fields. Nothing is allocated unless the statement makes texts, arrays or objects.
func (r *Rule) Sample(now time.Time, s telemetry.Sample, emit func(Row)) error {
	if int(s.Point) >= len(r.points) || !r.points[s.Point].matches {
		return nil
	}
	e := &r.env
	r.begin(now, emit)
	e.msg, e.sample, e.point = nil, s, &r.points[s.Point]
	return r.event(r.programs[fromSample], e.point.Topic, r.eventTime(s.Time), emit)
}
