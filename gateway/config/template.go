package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// template is a device's keys and points written once for many.
type template struct {
	name     string
	protocol string // the kind it is for; empty: not said
	body     *node
}

// templateKeys is what a template says of itself; the rest of it are a device's keys.
type templateKeys struct {
	Template string `yaml:"template"`
	Protocol string `yaml:"protocol"` // a kind, or kind/protocol where devices of the kind speak several
}

var (
	templateName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	ownKeys      = []string{"template", "protocol"}
	notInside    = []string{"name", "connection"}
)

func templateFolders(f *form, folders []string) []string {
	if folders != nil {
		return folders
	}
	return []string{f.at.resolve("templates"), "/usr/share/penstock/templates"}
}

// template finds and reads one by name; nil when it can't be used, and then it was said why.
func (l *loading) template(name string, at place) *template {
	if t, ok := l.templates[name]; ok {
		if t == nil { // said before, at the first device that wanted it
			l.found.fault(at, "", "template %q can't be used", name)
		}
		return t
	}
	l.templates[name] = nil
	if !templateName.MatchString(name) {
		l.found.fault(at, "write its file's name without folder and .yaml", "%q is no name of a template", name)
		return nil
	}
	root := l.findTemplate(name, at)
	if root == nil {
		return nil
	}
	t := l.readTemplate(name, root)
	l.templates[name] = t
	return t
}

func (l *loading) findTemplate(name string, at place) *node {
	for _, folder := range l.folders {
		file := filepath.Join(folder, name+".yaml")
		if found, _ := l.files.glob(globQuote(file)); len(found) > 0 {
			return l.file(file, at)
		}
	}
	if l.Templates != nil {
		text, err := fs.ReadFile(l.Templates, name+".yaml")
		if err == nil {
			return parse(newSource("built-in "+name+".yaml", text), text, l.found, l.Getenv)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			l.found.fault(at, "", "read template %s: %v", name, err)
			return nil
		}
	}
	hint := suggest(name, l.templateNames())
	l.found.fault(at, hint, "there is no template %q in %s", name, strings.Join(l.folders, " or "))
	return nil
}

// globQuote makes a pattern of a path that matches the path only.
func globQuote(p string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(p)
}

// templateNames lists what there is, for a hint.
func (l *loading) templateNames() (names []string) {
	add := func(found []string, _ error) {
		for _, f := range found {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".yaml"))
		}
	}
	for _, folder := range l.folders {
		add(l.files.glob(filepath.Join(globQuote(folder), "*.yaml")))
	}
	if l.Templates != nil {
		add(fs.Glob(l.Templates, path.Join("*.yaml")))
	}
	return names
}

// readTemplate takes what the template says of itself; the device's form reads the rest.
func (l *loading) readTemplate(name string, root *node) *template {
	where := "template " + name
	var k templateKeys
	f := newForm(l.found, where, root.at, &k)
	f.lenient = true
	f.fill(root, where)
	if k.Template != "" && k.Template != name {
		f.wrongValue("template", fmt.Sprintf("write template: %s, or rename the file", name), "the file is %s.yaml", name)
	}
	for _, key := range notInside {
		if e, ok := root.entry(key); ok {
			l.found.fault(e.key.at, "write it at the device", "a template gives no device its %s", key)
		}
	}
	kind, _, _ := strings.Cut(k.Protocol, "/")
	if kind != "" && !l.isKind(kind) {
		f.wrongValue("protocol", suggest(kind, l.kindNames()), "there is no protocol %q", kind)
		kind = ""
	}
	return &template{name: name, protocol: kind, body: deviceKeysOf(root)}
}

// deviceKeysOf are the keys of a template that are its devices'. Of protocol: serial/nmea0183 that is protocol: nmea0183.
func deviceKeysOf(root *node) *node {
	if e, ok := root.entry("protocol"); ok && e.value.shape == scalar {
		if _, own, both := strings.Cut(e.value.text, "/"); both {
			return root.with(map[string]string{"protocol": own}).without(append([]string{"template"}, notInside...)...)
		}
	}
	return root.without(append(ownKeys, notInside...)...)
}

func (l *loading) kindNames() (names []string) {
	for _, k := range l.Kinds {
		names = append(names, k.Name)
	}
	return names
}

func (l *loading) isKind(name string) bool {
	for _, k := range l.Kinds {
		if k.Name == name {
			return true
		}
	}
	return false
}
