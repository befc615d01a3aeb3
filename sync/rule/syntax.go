package rule

import "time"

// Statement is a parsed SELECT. It does not change and may be shared.
type Statement struct {
	src    string
	body   *query
	from   string // topic filter; empty where there is none
	group  []node
	window window
	having node
}

// String is the source.
func (s *Statement) String() string { return s.src }

// From is the topic filter of FROM, empty for a statement without one.
func (s *Statement) From() string { return s.from }

// query is what statements and nested queries have in common.
type query struct {
	value bool // SELECT VALUE
	items []item
	from  node // nested queries: what is selected from
	where node
}

type item struct {
	expr  node     // nil for *
	alias []string // parts of AS a.b; empty without
	at    int
}

type windowKind uint8

const (
	noWindow windowKind = iota
	tumbling
	hopping
	sliding
	session
	counting
)

var windowNames = map[string]windowKind{"tumblingwindow": tumbling, "hoppingwindow": hopping, "slidingwindow": sliding, "sessionwindow": session, "countwindow": counting}

type window struct {
	kind   windowKind
	length time.Duration // of a session: the longest it may get
	step   time.Duration // hop, or a session's timeout
	count  int           // COUNTWINDOW(count, every)
	every  int
}

// node is a piece of an expression.
type node interface{ place() int }

type at int

func (a at) place() int { return int(a) }

type (
	literal struct {
		at
		v Value
	}
	name struct {
		at
		text string
	}
	star   struct{ at }
	member struct {
		at
		of  node
		key string
	}
	unary struct {
		at
		op string // "-" or "not"
		x  node
	}
	operation struct {
		at
		op   string // lower case
		a, b node
	}
	call struct {
		at
		fn   string // lower case
		args []node
		as   string // cast: the type, lower case
	}
	choice struct { // CASE
		at
		of    node
		whens []when
		other node // nil without ELSE
	}
	when  struct{ is, then node }
	build struct { // an array or, with keys, an object
		at
		keys  []string
		items []node
		array bool
	}
	nested struct {
		at
		q *query
	}
)

// children are the nodes directly below n. A nested query has names of its own and therefore none.
func children(n node) []node {
	switch n := n.(type) {
	case *member:
		return []node{n.of}
	case *unary:
		return []node{n.x}
	case *operation:
		return []node{n.a, n.b}
	case *call:
		return n.args
	case *build:
		return n.items
	case *choice:
		all := []node{n.of}
		for _, w := range n.whens {
			all = append(all, w.is, w.then)
		}
		if n.other != nil {
			all = append(all, n.other)
		}
		return all
	case *nested:
		return []node{n.q.from}
	}
	return nil
}

// walk visits n and everything below it that sees the same names, parents first.
func walk(n node, visit func(node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, c := range children(n) {
		walk(c, visit)
	}
}

// path is the dotted name of a chain of members, and whether n is one.
func path(n node) (string, bool) {
	switch n := n.(type) {
	case *name:
		return n.text, true
	case *member:
		if p, ok := path(n.of); ok {
			return p + "." + n.key, true
		}
	}
	return "", false
}
