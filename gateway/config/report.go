package config

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Severity says whether a mistake keeps the file from being used.
type Severity string

// An Error keeps the file from being used; a Warning is worth a look.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Mistake is one thing wrong in one place of one file.
type Mistake struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // from 1; 0 when it is the file as a whole
	Col      int      `json:"col"`  // in characters, from 1
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`    // what to write instead
	Excerpt  string   `json:"excerpt,omitempty"` // the line and a caret below it; secrets are masked
}

// String is the mistake as compilers write one, so that editors can jump to it, with its excerpt below.
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", m.Line, m.Col)
	}
	fmt.Fprintf(&b, ": %s: %s", m.Severity, m.Message)
	if m.Hint != "" {
		fmt.Fprintf(&b, " (%s)", m.Hint)
	}
	if m.Excerpt != "" {
		b.WriteString("\n" + m.Excerpt)
	}
	return b.String()
}

// Report is everything that was found, by file and line.
type Report struct {
	Mistakes []Mistake `json:"mistakes"`
}

// Errors counts what keeps the file from being used.
func (r *Report) Errors() int { return r.count(Error) }

// Warnings counts what is worth a look.
func (r *Report) Warnings() int { return r.count(Warning) }

func (r *Report) count(s Severity) (n int) {
	for _, m := range r.Mistakes {
		if m.Severity == s {
			n++
		}
	}
	return n
}

// String is every mistake below the other, empty when there is none.
func (r *Report) String() string {
	var b strings.Builder
	for _, m := range r.Mistakes {
		b.WriteString(m.String() + "\n")
	}
	return b.String()
}

// Err is nil when the file can be used; warnings do not stand in the way.
func (r *Report) Err() error {
	n := r.Errors()
	if n == 0 {
		return nil
	}
	var errs Report
	for _, m := range r.Mistakes {
		if m.Severity == Error {
			errs.Mistakes = append(errs.Mistakes, m)
		}
	}
	return errors.New(strings.TrimSuffix(errs.String(), "\n"))
}

// maxMistakes bounds a report's errors, and its warnings: 10,000 equal mistakes are read no better than 500.
const maxMistakes = 500

// finding is a mistake before it is worded. The middle is apart because one line of a file may stand
// for forty devices: what differs in the middle only is one mistake, not forty.
type finding struct {
	at            place
	severity      Severity
	before, after string
	where         string // "point press.oil_temp"
	hint          string
}

type findingKey struct {
	file          string
	line, col     int
	before, after string
}

// mistakes collects findings.
type mistakes struct {
	report  Report
	seen    map[findingKey]bool
	spots   map[findingKey]bool // the places of seen
	again   bool                // the same lines are read for one more device: only new places are of interest
	shown   map[Severity]int
	dropped map[Severity]int
}

func newMistakes() *mistakes {
	return &mistakes{seen: map[findingKey]bool{}, spots: map[findingKey]bool{}, shown: map[Severity]int{}, dropped: map[Severity]int{}}
}

func (m *mistakes) add(f finding) {
	key := findingKey{f.at.file(), f.at.line, f.at.col, f.before, f.after}
	spot := findingKey{file: key.file, line: key.line, col: key.col}
	if m.seen[key] || m.again && m.spots[spot] {
		return
	}
	m.spots[spot] = true
	if m.shown[f.severity] >= maxMistakes {
		m.dropped[f.severity]++
		return
	}
	m.shown[f.severity]++
	m.seen[key] = true
	m.report.Mistakes = append(m.report.Mistakes, Mistake{
		File: f.at.file(), Line: f.at.line, Col: f.at.col, Severity: f.severity,
		Message: f.before + f.where + f.after, Hint: f.hint, Excerpt: f.at.excerpt(),
	})
}

// fault adds an error that needs no middle.
func (m *mistakes) fault(at place, hint, format string, args ...any) {
	m.add(finding{at: at, severity: Error, before: fmt.Sprintf(format, args...), hint: hint})
}

// warn adds a warning that needs no middle.
func (m *mistakes) warn(at place, hint, format string, args ...any) {
	m.add(finding{at: at, severity: Warning, before: fmt.Sprintf(format, args...), hint: hint})
}

// sorted gives the report: by file, line and column, errors before warnings.
func (m *mistakes) sorted() *Report {
	list := m.report.Mistakes
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Col != b.Col:
			return a.Col < b.Col
		}
		return a.Severity < b.Severity
	})
	for _, s := range []Severity{Error, Warning} {
		if n := m.dropped[s]; n > 0 {
			list = append(list, Mistake{File: list[0].File, Severity: s, Message: fmt.Sprintf("%d more %ss are not shown", n, s)})
		}
	}
	if list == nil {
		list = []Mistake{} // [] in JSON, not null
	}
	return &Report{Mistakes: list}
}
