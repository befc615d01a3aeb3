package config

import (
	"strings"
	"unicode"
)

// spot is the place in the file of a character of the node's text, both counted from 1. Quotes, escapes, folded lines and indented
// blocks lie between the two: where they can't be told apart it is the place where the text begins.
func (n *node) spot(line, column int) place {
	offset := 0
	text := []rune(n.text)
	for ; line > 1 && offset < len(text); offset++ {
		if text[offset] == '\n' {
			line--
		}
	}
	at, _ := n.locate(text, min(offset+column-1, len(text)))
	return at
}

// word is the place of a name in the node's text.
func (n *node) word(name string) place {
	for from := 0; ; {
		i := strings.Index(n.text[from:], name)
		if i < 0 {
			return n.at
		}
		start, end := from+i, from+i+len(name)
		if !strings.ContainsFunc(n.text[max(start-1, 0):start]+n.text[end:min(end+1, len(n.text))], isWord) {
			at, ok := n.locate([]rune(n.text), len([]rune(n.text[:start])))
			if ok {
				at.width = len([]rune(name))
			}
			return at
		}
		from = end
	}
}

func isWord(r rune) bool { return r == '_' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// locate walks the file beside the text, up to a character of it, and says whether it got there.
func (n *node) locate(text []rune, offset int) (place, bool) {
	if n.substituted() || n.at.src == nil || n.at.line < 1 {
		return n.at, false
	}
	w := walker{lines: n.at.src.lines, line: n.at.line - 1}
	w.enter(n.at.col - 1)
	for i := range min(offset, len(text)) {
		if !w.pass(text[i]) {
			return n.at, false
		}
	}
	if offset < len(text) && !w.reach(text[offset]) {
		return n.at, false
	}
	at := n.at
	at.line, at.col, at.width = w.line+1, w.col+1, w.width()
	return at, true
}

// walker goes through the lines of a file from where a scalar begins.
type walker struct {
	lines []string
	line  int // from 0
	col   int // in characters, from 0
	row   []rune
	quote rune // ' or ", 0 in a plain scalar or a block
}

// enter begins behind the quote or, for a block, on the line below its sign.
func (w *walker) enter(col int) {
	w.load()
	w.col = min(col, len(w.row))
	switch w.current() {
	case '|', '>':
		w.newLine()
	case '\'', '"':
		w.quote = w.current()
		w.col++
	}
}

func (w *walker) load() {
	w.row = nil
	if w.line < len(w.lines) {
		w.row = []rune(strings.TrimRight(w.lines[w.line], "\r"))
	}
}

func (w *walker) newLine() {
	w.line, w.col = w.line+1, 0
	w.load()
}

// current is the character here, a line's end being one too.
func (w *walker) current() rune {
	if w.col >= len(w.row) {
		return '\n'
	}
	return w.row[w.col]
}

func (w *walker) step() {
	if w.col >= len(w.row) {
		w.newLine()
		return
	}
	w.col++
}

// reach goes to the next place of a character, over white space that the text does not have.
func (w *walker) reach(r rune) bool {
	for w.line < len(w.lines) && w.current() != r {
		if c := w.current(); !unicode.IsSpace(c) && (c != '\\' || w.quote != '"') {
			return unicode.IsSpace(r) // a space that stands for a line's end lies behind us
		}
		w.step()
	}
	return w.line < len(w.lines)
}

// pass goes behind a character of the text.
func (w *walker) pass(r rune) bool {
	if unicode.IsSpace(r) {
		if !unicode.IsSpace(w.current()) {
			return true // of several spaces that one line's end stands for
		}
		w.step()
		return true
	}
	if !w.reach(r) {
		return false
	}
	w.step()
	if r == '\'' && w.quote == '\'' && w.current() == '\'' {
		w.step()
	}
	return true
}

// width is how long the word here is.
func (w *walker) width() int {
	n := 0
	for w.col+n < len(w.row) && isWord(w.row[w.col+n]) {
		n++
	}
	return max(n, 1)
}
