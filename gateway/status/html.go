package status

import (
	"fmt"
	"html"
	"strings"
)

// markup writes HTML. Everything that is not a literal of this package goes in as an argument of f, which escapes it.
//
// It stands in for html/template, which the whole program would pay for: a template may call any method by its name, so the linker keeps every
// exported method of every type, a fifth of the binary and of what is resident of it.
type markup struct{ strings.Builder }

// literal is HTML of our own.
type literal string

// raw writes HTML of our own.
func (m *markup) raw(h literal) { m.WriteString(string(h)) }

// f writes HTML of our own with texts from outside at each %s.
func (m *markup) f(format literal, args ...string) {
	escaped := make([]any, len(args))
	for i, a := range args {
		escaped[i] = html.EscapeString(a)
	}
	fmt.Fprintf(m, string(format), escaped...)
}
