package rule

// past is what lag and changed remember of one topic: for each call in the statement its last values, oldest first.
type past struct {
	topic string
	calls [][]Value
}

type memoryCall struct {
	changed bool
	back    int
	args    []eval
}

// memories are the calls of lag and changed, inner ones before outer ones.
func (s *Statement) memories() []*call {
	var found []*call
	collect := func(n node) {
		walk(n, func(n node) {
			if isMemory(n) {
				found = append([]*call{n.(*call)}, found...)
			}
		})
	}
	for _, n := range s.group {
		collect(n)
	}
	for _, it := range s.body.items {
		collect(it.expr)
	}
	collect(s.body.where)
	collect(s.having)
	return found
}

func (c *compiler) memoryCall(n *call) memoryCall {
	m := memoryCall{changed: n.fn == "changed", back: 1, args: c.all(n.args)}
	if len(n.args) > 1 {
		m.back = n.args[1].(*literal).v.small()
	}
	return m
}

// past is the topic's, nil when there are too many topics.
func (r *Rule) past(topic string) *past {
	p := r.state.past[topic]
	if p == nil && len(r.state.topics) < r.o.MaxGroups {
		p = &past{topic: topic, calls: make([][]Value, len(r.env.memory))}
		r.state.past[topic] = p
		r.state.topics = append(r.state.topics, p)
	}
	return p
}

// recall works out what the calls give for this event. Nothing is remembered yet: the event may still fail.
func (p *past) recall(e *env, calls []memoryCall) {
	for i, m := range calls {
		known := p.calls[i]
		switch {
		case m.changed:
			now := m.args[0](e)
			e.memory[i] = boolean(now.kind != Undefined && (len(known) == 0 || !same(now, known[len(known)-1])))
		case len(known) >= m.back:
			e.memory[i] = known[len(known)-m.back]
		case len(m.args) == 3:
			e.memory[i] = m.args[2](e)
		default:
			e.memory[i] = Value{}
		}
	}
}

// remember keeps this event's values. Undefined is not remembered: the last value known stays the last one.
func (p *past) remember(e *env, calls []memoryCall) {
	for i, m := range calls {
		v := m.args[0](e)
		if v.kind == Undefined {
			continue
		}
		if len(p.calls[i]) == m.back {
			copy(p.calls[i], p.calls[i][1:])
			p.calls[i][m.back-1] = v
			continue
		}
		p.calls[i] = append(p.calls[i], v)
	}
}
