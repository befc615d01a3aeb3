package config

import (
	"path/filepath"
	"slices"
	"time"
)

// execKeys is the key `exec` of a rule.
type execKeys struct {
	Command []*node        `yaml:"command" required:"true"`
	Timeout *time.Duration `yaml:"timeout"`
}

// defaultExec is how long a program may run that says nothing else.
const defaultExec = 10 * time.Second

// exec reads which program is run. It stands in the file's list; what follows it may be templates.
func (d *draft) exec(key string, k *execKeys) *Exec {
	e := &Exec{Timeout: defaultExec}
	if k.Timeout != nil {
		e.Timeout = *k.Timeout
		if e.Timeout <= 0 || e.Timeout > time.Hour {
			d.form.wrongIn(key+".timeout", "write timeout: 10s", "a program runs longer than nothing and at most 1h")
		}
	}
	for i, n := range k.Command {
		if n.broken || !d.form.isScalar(n, key+".command") {
			return e
		}
		if i > 0 {
			d.phrase(key+".command", n)
		}
		e.Command = append(e.Command, n.text)
	}
	if len(e.Command) == 0 {
		if !d.form.anySpoiled() {
			d.form.wrongIn(key, "write command: [/usr/local/bin/horn, \"on\"]", "it names no program")
		}
		return e
	}
	d.mayRun(key, k.Command[0])
	return e
}

// mayRun checks a program against the file's list.
func (d *draft) mayRun(key string, n *node) {
	if slices.Contains(d.cfg.Exec, n.text) {
		return
	}
	hint := "write it there: exec: [" + n.text + "]"
	if !filepath.IsAbs(n.text) {
		hint = "write its absolute path, there and here"
	} else if meant := nearest(n.text, d.cfg.Exec); meant != "" {
		hint = suggest(n.text, d.cfg.Exec)
	}
	d.form.spoiled(n.at, key+".command", wrong(hint, "%q is not in the file's list `exec` of programs that rules may run", n.text))
}

// programs reads the file's list `exec`.
func (l *loading) programs(f *form, list []string) {
	g, ok := f.got("exec")
	for i, program := range list {
		if ok && !g.spoiled && (!filepath.IsAbs(program) || filepath.Clean(program) != program) {
			l.found.fault(g.value.items[i].at, "write it as in /usr/local/bin/horn", "%q is no absolute path of a program", program)
		}
	}
	l.cfg.Exec = list
}
