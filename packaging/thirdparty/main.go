// Command thirdparty prints THIRD_PARTY: every library that is linked into the programs and every file of others that is
// embedded in them, with their licences in full.
//
// It asks the go command what is linked and reads the licence files in the module cache. A library without a licence file,
// or with one that it does not know, ends it: somebody has to look. Run by `make third-party`; nothing imports it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// work is something of others.
type work struct {
	Name, Version string
	Licence       string // the SPDX names
	Texts         []string
}

func main() {
	if err := run(os.Stdout, "."); err != nil {
		fmt.Fprintln(os.Stderr, "thirdparty:", err)
		os.Exit(1)
	}
}

// run prints the works of the repository in root.
func run(out io.Writer, root string) error {
	works, err := linked(root)
	if err != nil {
		return err
	}
	files, err := embedded(root)
	if err != nil {
		return err
	}
	return print(out, append(works, files...))
}

// linked are the modules of which packages are in a program.
func linked(root string) ([]work, error) {
	// Only for Linux: what another system would link is not shipped.
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "./cmd/...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask the go command what is linked: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	var works []work
	for _, line := range slices.Compact(lines) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue // packages of the standard library and our own give empty lines
		}
		w, err := read(fields[0], fields[2], "*")
		if err != nil {
			return nil, err
		}
		w.Version = fields[1]
		works = append(works, w)
	}
	goroot, err := standard(root)
	return append([]work{goroot}, works...), err
}

// standard is Go's own library. Its version is the toolchain's, which `penstock version` says.
func standard(root string) (work, error) {
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = root
	folder, err := cmd.Output()
	if err != nil {
		return work{}, fmt.Errorf("ask the go command for its folder: %w", err)
	}
	return read("Go's standard library", strings.TrimSpace(string(folder)), "*")
}

// embedded are the files of others in cloud/web/static: each has its licence beside it as NAME.LICENSE.
func embedded(root string) ([]work, error) {
	folder := filepath.Join(root, "cloud", "web", "static")
	scripts, err := filepath.Glob(filepath.Join(folder, "*.LICENSE"))
	if err != nil {
		return nil, err
	}
	var works []work
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".LICENSE")
		w, err := read(name+" (in the pages of penstock-cloud)", folder, name+".")
		if err != nil {
			return nil, err
		}
		works = append(works, w)
	}
	return works, nil
}

// read finds the licence files of a work in its folder; those of which the name begins with prefix, when it is not "*".
func read(name, folder, prefix string) (work, error) {
	w := work{Name: name}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return w, fmt.Errorf("look for the licence of %s: %w", name, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || !isLicence(e.Name()) || prefix != "*" && !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return w, fmt.Errorf("read the licence of %s: %w", name, err)
		}
		w.Texts = append(w.Texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		names = append(names, licences(string(text))...)
	}
	if len(names) == 0 {
		return w, fmt.Errorf("%s: no licence that is known, in %s: look at it, and name it in packaging/thirdparty", name, folder)
	}
	slices.Sort(names)
	w.Licence = strings.Join(slices.Compact(names), " AND ")
	return w, nil
}

// isLicence tells the files that have to go with a work: its licence, its notice, and grants of patents.
func isLicence(file string) bool {
	upper := strings.ToUpper(file)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, func(word string) bool {
		return strings.HasPrefix(upper, word) || strings.HasSuffix(upper, "."+word)
	})
}

// licences names what a text says it is by words that only that licence has; a file may hold several. None: a notice, or one
// that is not known.
func licences(text string) (names []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, known := range []struct{ says, name string }{
		{"Eclipse Public License - v 2.0", "EPL-2.0"},
		{"Eclipse Distribution License", "BSD-3-Clause"},
		{"Apache License Version 2.0", "Apache-2.0"},
		{"Licensed under the Apache License, Version 2.0", "Apache-2.0"},
		{"Mozilla Public License Version 2.0", "MPL-2.0"},
		{"Neither the name", "BSD-3-Clause"},
		{"contributors may be used to endorse", "BSD-3-Clause"},
		{"Permission to use, copy, modify, and/or distribute this software for any purpose", "0BSD"},
		{"Permission is hereby granted, free of charge", "MIT"},
		{"The author disclaims copyright to this source code", "blessing"},
		{"public domain", "blessing"},
	} {
		if strings.Contains(text, known.says) {
			names = append(names, known.name)
		}
	}
	if len(names) == 0 && strings.Contains(text, "Redistribution and use in source and binary forms") {
		names = append(names, "BSD-2-Clause")
	}
	return names
}

// print writes a list to look things up in, then each text once, under the names of those it belongs to.
func print(out io.Writer, works []work) error {
	if len(works) < 2 {
		return errors.New("nothing is linked: run it at the top of the repository")
	}
	var b strings.Builder
	b.WriteString("Penstock contains the works below. Written by `make third-party`.\n\n")
	owners := map[string][]string{}
	var texts []string
	for _, w := range works {
		fmt.Fprintf(&b, "%-48s %-44s %s\n", w.Name, w.Version, w.Licence)
		for _, t := range w.Texts {
			if owners[t] == nil {
				texts = append(texts, t)
			}
			owners[t] = append(owners[t], w.Name)
		}
	}
	for _, t := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(owners[t], "\n"), t)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
