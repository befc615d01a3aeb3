package config

// atOf is a node's place, nowhere for a section that is not there.
func atOf(n *node) place {
	if n == nil {
		return place{}
	}
	return n.at
}

// section fills the form from a mapping that may be missing or empty.
func (f *form) section(n *node) {
	switch {
	case n == nil || n.shape == empty:
	case n.shape != mapping:
		f.found.add(finding{at: n.at, severity: Error, where: f.where, after: " is " + n.shape.String() + ", and keys with values are wanted", hint: "write {key: value}"})
	default:
		f.fill(n, f.where)
	}
}

// each goes through the names of a section such as connections.
func (l *loading) each(n *node, section, example string, do func(entry)) {
	if n == nil || n.shape == empty {
		return
	}
	if n.shape != mapping {
		l.found.fault(n.at, "write "+example, "%s is %s, and names with values are wanted", section, n.shape)
		return
	}
	for _, e := range n.entries {
		do(e)
	}
}

// items goes through the list of a section such as devices.
func (l *loading) items(n *node, section, example string, do func(*node)) {
	if n == nil || n.shape == empty {
		return
	}
	if n.shape != list {
		l.found.fault(n.at, "begin each with a dash: "+example, "%s is %s, and a list is wanted", section, n.shape)
		return
	}
	for _, item := range n.items {
		if item.shape != mapping {
			l.found.fault(item.at, "write "+example, "here is %s, and keys with values are wanted", item.shape)
			continue
		}
		do(item)
	}
}
