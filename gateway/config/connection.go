package config

import (
	"path/filepath"
	"reflect"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
)

// link is a connection being read. Its Settings are nil when its protocol is not known.
type link struct {
	Connection
	at    place
	used  bool
	units map[string]string // device by unit id, as far as the protocol has one
	wrap  func(adapters.Connection) adapters.Connection
}

func (l *loading) connections(n *node) {
	l.each(n, "connections", "press_plc: {modbus: tcp, address: \"10.7.2.11:502\"}", func(e entry) {
		l.name(e.key.at, "connection", e.key.text)
		l.connect(e.key.text, e.key.at, e.value)
	})
}

// connect reads one connection. It is there for devices to refer to, whatever is wrong with it.
func (l *loading) connect(name string, at place, n *node) *link {
	c := &link{Connection: Connection{Name: name}, at: at, units: map[string]string{}}
	l.links = append(l.links, c)
	l.byName[name] = c
	if n.shape != mapping {
		l.found.fault(n.at, "write {modbus: tcp, address: \"10.7.2.11:502\"}", "connection %s is %s, and keys with values are wanted", name, n.shape)
		return c
	}
	kind, ok := l.kind(name, at, n)
	if !ok {
		return c
	}
	c.Kind, c.Settings, c.wrap = kind.Name, kind.New(), kind.Wrap
	if k, ok := c.Settings.(adapters.Keeper); ok {
		k.Keep(filepath.Join(l.cfg.State, "connections", name))
	}
	f := newForm(l.found, "connection "+name, at, c.Settings)
	f.pathKey = func(key string) bool { return f.isPath(key) || connectionPaths[key] }
	f.fill(n, f.where)
	f.complete()
	f.validate(c.Settings.Validate())
	l.warnInsecure(f)
	return c
}

// connectionPaths are keys of connections that name a file, in whatever protocol: certificates and keys.
var connectionPaths = map[string]bool{"trust": true, "cert": true, "key": true, "ca": true, "pki": true, "user_cert": true, "user_key": true}

// kind finds the protocol: the one key that is its name.
func (l *loading) kind(name string, at place, n *node) (kind adapters.Kind, ok bool) {
	var names []string
	for _, k := range l.Kinds {
		names = append(names, k.Name)
		if e, there := n.entry(k.Name); there {
			if ok {
				l.found.fault(e.key.at, "make two connections of it", "connection %s has two protocols, %s and %s", name, kind.Name, k.Name)
				return kind, false
			}
			kind, ok = k, true
		}
	}
	if ok {
		return kind, true
	}
	for _, e := range n.entries {
		if meant := nearest(e.key.text, names); meant != "" {
			l.found.fault(e.key.at, "did you mean \""+meant+"\"?", "unknown key %q in connection %s", e.key.text, name)
			return kind, false
		}
	}
	l.found.fault(at, "one key of it is "+strings.Join(names, " or "), "connection %s does not name its protocol", name)
	return kind, false
}

// warnInsecure looks for the key by which every protocol lets its guard down.
func (l *loading) warnInsecure(f *form) {
	if v, _, ok := f.find("insecure"); ok && v.Kind() == reflect.Bool && v.Bool() {
		g, _ := f.got("insecure")
		l.found.add(finding{at: g.key.at, severity: Warning, where: f.where, after: " is neither encrypted nor signed: anybody on the way can read and change it", hint: "use it for a test only"})
	}
}
