package config

import (
	"net"
	"strconv"
)

// Local is the status page's listener; empty Web switches it off.
type Local struct{ Web string }

// localKeys is the section `local`.
type localKeys struct {
	Web string `yaml:"web"`
}

const defaultWeb = "127.0.0.1:8470"

func (l *loading) local(n *node) Local {
	k := localKeys{Web: defaultWeb}
	f := newForm(l.found, "the section local", atOf(n), &k)
	f.section(n)
	if k.Web == "" || k.Web == "off" {
		return Local{}
	}
	if _, port, err := net.SplitHostPort(k.Web); err != nil || !isPort(port) {
		f.wrongValue("web", "write "+defaultWeb+", or off", "%q is no address and port", k.Web)
	}
	return Local{Web: k.Web}
}

// isPort takes 0 too: the system chooses one.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n <= 65535
}
