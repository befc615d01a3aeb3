package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// source is one file as it was read.
type source struct {
	path  string
	lines []string
}

func newSource(path string, text []byte) *source {
	return &source{path: path, lines: strings.Split(string(text), "\n")}
}

// whole is the place for what concerns the file and no line of it.
func (s *source) whole() place { return place{src: s} }

// place is a stretch of one line of a file. The zero place is nowhere.
type place struct {
	src       *source
	line, col int // from 1, col in characters
	width     int // in characters
}

func (p place) file() string {
	if p.src == nil {
		return ""
	}
	return p.src.path
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file(), p.line, p.col) }

// resolve makes a path of the file absolute, or relative to where the gateway was started as the file's own path is.
func (p place) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) || p.src == nil {
		return path
	}
	return filepath.Join(filepath.Dir(p.src.path), path)
}

// text is the line, empty where there is none.
func (p place) text() string {
	if p.src == nil || p.line < 1 || p.line > len(p.src.lines) {
		return ""
	}
	return strings.TrimRight(p.src.lines[p.line-1], "\r")
}

// maxExcerpt is how many characters of a line are shown: a terminal's width.
const maxExcerpt = 110

// maxLine is the longest line, in bytes, of which an excerpt is shown: beyond it the file was written by a program.
const maxLine = 2000

// secretValue finds what stands after a key that names a secret, so that no excerpt carries it to a log or a ticket.
var secretValue = regexp.MustCompile(`(?i)((?:password|token|secret|passphrase)["']?\s*:\s+)("[^"]*"?|'[^']*'?|[^\s,}#]+)`)

// excerpt is the line with a caret below the place.
func (p place) excerpt() string {
	line := p.text()
	if line == "" || len(line) > maxLine {
		return ""
	}
	line = strings.ToValidUTF8(strings.ReplaceAll(line, "\t", " "), "?")
	runes := []rune(maskSecrets(line))
	start := max(p.col-1, 0)
	width := max(min(p.width, len(runes)-start), 1)
	if cut := start - maxExcerpt*2/3; len(runes) > maxExcerpt && cut > 0 {
		runes, start = append([]rune("..."), runes[cut+3:]...), start-cut
	}
	if len(runes) > maxExcerpt {
		runes = append(runes[:maxExcerpt-3], '.', '.', '.')
	}
	width = max(min(width, maxExcerpt-start), 1)
	gutter := fmt.Sprintf("%5d | ", p.line)
	return gutter + string(runes) + "\n" + strings.Repeat(" ", len(gutter)-2) + "| " + strings.Repeat(" ", start) + strings.Repeat("^", width)
}

// urlPassword is the other place where a secret likes to stand.
var urlPassword = regexp.MustCompile(`(://[^/\s:@]*:)([^/\s@]+)@`)

// maskSecrets keeps the line's length, so that carets still fit.
func maskSecrets(line string) string {
	line = urlPassword.ReplaceAllStringFunc(line, func(found string) string {
		parts := urlPassword.FindStringSubmatch(found)
		return parts[1] + strings.Repeat("*", utf8.RuneCountInString(parts[2])) + "@"
	})
	return secretValue.ReplaceAllStringFunc(line, func(found string) string {
		parts := secretValue.FindStringSubmatch(found)
		if strings.Contains(parts[2], "${") {
			return found
		}
		return parts[1] + strings.Repeat("*", utf8.RuneCountInString(parts[2]))
	})
}
