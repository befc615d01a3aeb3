package config

import "slices"

// shape says what a node is.
type shape uint8

const (
	empty shape = iota // `key:` with nothing behind it, null, ~
	scalar
	list
	mapping
)

var shapeNames = [...]string{"nothing", "a single value", "a list", "keys and values"}

func (s shape) String() string { return shapeNames[s] }

// node is one piece of YAML with its place. Nodes are read only once they are made: an alias and a
// template share theirs among all who use them.
type node struct {
	shape   shape
	at      place
	raw     string // a scalar as it was written, without quotes
	text    string // a scalar with its ${VARIABLES} filled in
	quoted  bool   // in quotes, or a block of text
	broken  bool   // it could not be read, and that was said
	items   []*node
	entries []entry
	weight  int // nodes in it, itself included, aliases counted as often as they are used
}

type entry struct{ key, value *node }

// substituted reports whether the text came from the environment.
func (n *node) substituted() bool { return n.raw != n.text }

// entry finds a key of a mapping.
func (n *node) entry(key string) (entry, bool) {
	if n != nil {
		for _, e := range n.entries {
			if e.key.text == key {
				return e, true
			}
		}
	}
	return entry{}, false
}

// with is a copy of a mapping in which keys have other values: the place stays, so that mistakes are still found.
func (n *node) with(values map[string]string) *node {
	c := *n
	c.entries = make([]entry, len(n.entries))
	for i, e := range n.entries {
		if text, ok := values[e.key.text]; ok {
			v := *e.value
			v.shape, v.text, v.raw, v.quoted, v.items = scalar, text, text, false, nil
			e.value = &v
		}
		c.entries[i] = e
	}
	return &c
}

// without is a copy of a mapping that lacks some keys.
func (n *node) without(keys ...string) *node {
	c := *n
	c.entries = nil
	for _, e := range n.entries {
		if !slices.Contains(keys, e.key.text) {
			c.entries = append(c.entries, e)
		}
	}
	return &c
}
