package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// files is where text comes from.
type files interface {
	read(path string) ([]byte, error)
	glob(pattern string) ([]string, error) // sorted
}

// disk is the machine's own.
type disk struct{}

var errTooBig = fmt.Errorf("the file is bigger than %d MiB", maxFileBytes>>20)

func (disk) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // a pipe would wait for ever
		return nil, errors.New("this is no regular file")
	case info.Size() > maxFileBytes:
		return nil, errTooBig
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFileBytes)) // it may have grown since
}

func (disk) glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }

// file reads and parses one file; nil when it can't be used. at is where it is named.
func (l *loading) file(path string, at place) *node {
	src := &source{path: path}
	if at.src == nil {
		at = src.whole()
	}
	text, err := l.files.read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.found.fault(at, "", "there is no file %s", path)
		return nil
	case errors.Is(err, fs.ErrPermission):
		l.found.fault(at, "run it as a user who may, or change the file's mode", "%s may not be read by this user", path)
		return nil
	case err != nil:
		l.found.fault(at, "", "read %s: %v", path, err)
		return nil
	}
	src = newSource(path, text)
	before := l.found.report.Errors()
	root := parse(src, text, l.found, l.Getenv)
	if root == nil && l.found.report.Errors() == before && at.line == 0 {
		l.found.fault(src.whole(), "begin with `version: 1`", "the file is empty")
	}
	return root
}

// merged reads the file and what it includes as one.
func (l *loading) merged(path string) *node {
	root := l.file(path, place{})
	if root == nil {
		return nil
	}
	m := merger{found: l.found, root: root.without()}
	for _, in := range l.includes(root, path) {
		if more := l.file(in.path, in.at); more != nil {
			m.add(more)
		}
	}
	return m.root
}

type include struct {
	path string
	at   place
}

// includes expands the patterns in the order of the files' names.
func (l *loading) includes(root *node, main string) (found []include) {
	e, ok := root.entry("include")
	if !ok {
		return nil
	}
	for _, item := range e.value.items {
		if item.shape != scalar {
			continue // the form says so
		}
		pattern := item.at.resolve(item.text)
		paths, err := l.files.glob(pattern)
		if err != nil {
			l.found.fault(item.at, "* stands for any characters, ? for one", "%q is no pattern of file names", item.raw)
		}
		if len(paths) == 0 && !strings.ContainsAny(item.text, "*?[") {
			l.found.fault(item.at, "", "there is no file %s", pattern)
		}
		for _, p := range paths {
			if filepath.Clean(p) != filepath.Clean(main) {
				found = append(found, include{p, item.at})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b include) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(found, func(a, b include) bool { return a.path == b.path })
}

// merger adds the sections of included files to those of the first.
type merger struct {
	found *mistakes
	root  *node
}

func (m *merger) add(file *node) {
	for _, e := range file.entries {
		at := slices.IndexFunc(m.root.entries, func(r entry) bool { return r.key.text == e.key.text })
		switch key := e.key.text; {
		case key == "include":
			m.found.fault(e.key.at, "name the file in "+m.root.at.file(), "an included file includes no further ones")
		case at < 0:
			m.root.entries = append(m.root.entries, e)
		case key == "version" && e.value.text == m.root.entries[at].value.text:
		case key == "devices" || key == "cloud" || key == "connections" || key == "scan" || key == "rules" || key == "exec":
			m.root.entries[at].value = m.section(m.root.entries[at], e)
		default:
			m.found.fault(e.key.at, "keep one of the two", "a second section %s, first at %s", key, m.root.entries[at].key.at)
		}
	}
}

// section is two files' halves of one section. One that has the wrong shape is left for the form to complain of.
func (m *merger) section(into, from entry) *node {
	a, b := into.value, from.value
	switch {
	case a.shape == empty:
		return b
	case b.shape == empty:
		return a
	case a.shape != b.shape:
		m.found.fault(b.at, "", "the section %s is %s here and %s at %s", from.key.text, b.shape, a.shape, a.at)
		return a
	}
	both := *a
	both.items = slices.Concat(a.items, b.items)
	both.entries = slices.Clone(a.entries)
	for _, e := range b.entries {
		if first, twice := a.entry(e.key.text); twice {
			m.found.fault(e.key.at, "give one of the two another name", "%s is in %s twice, first at %s", e.key.text, from.key.text, first.key.at)
			continue
		}
		both.entries = append(both.entries, e)
	}
	return &both
}
