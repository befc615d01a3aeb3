package config

import (
	"regexp"
	"strings"
)

// variable is `${NAME}`, and `$${NAME}` which stands for the text itself. ${press.oil_temp} is no variable:
// a name with a dot is a point's.
var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// substitute fills the environment into a scalar. Messages show raw, never what a variable held.
func (r *reader) substitute(n *node) {
	n.text = n.raw
	if r.asIs || !strings.Contains(n.raw, "${") {
		return
	}
	n.text = variable.ReplaceAllStringFunc(n.raw, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name := found[2 : len(found)-1]
		value, ok := r.getenv(name)
		if !ok {
			n.broken = true
			r.found.fault(n.at, "set it where the gateway is started, or write $"+found+" for the text itself", "the environment has no %s", name)
		}
		return value
	})
}
