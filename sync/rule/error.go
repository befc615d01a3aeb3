package rule

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError is a mistake in SQL, with its place.
type SyntaxError struct {
	Line, Column int // both from 1; a column is a character
	Message      string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

func syntaxError(src string, at int, format string, args ...any) *SyntaxError {
	e := &SyntaxError{Line: 1, Message: fmt.Sprintf(format, args...)}
	start := 0
	for i := range min(at, len(src)) {
		if src[i] == '\n' {
			e.Line, start = e.Line+1, i+1
		}
	}
	e.Column = utf8.RuneCountInString(src[start:min(at, len(src))]) + 1
	return e
}
