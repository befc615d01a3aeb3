package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	numberToken
	stringToken
	signToken
)

type token struct {
	kind tokenKind
	text string // of a string: without its quotes
	at   int    // byte in the source
}

func (t token) String() string {
	switch t.kind {
	case endToken:
		return "the end"
	case stringToken:
		return fmt.Sprintf("the text '%s'", shorten(t.text))
	}
	return fmt.Sprintf("%q", shorten(t.text))
}

func shorten(s string) string {
	if len(s) <= 40 {
		return s
	}
	cut := 40
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// signs, longest first.
var signs = []string{"<>", "<=", ">=", "!=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "+", "-", "*", "/", "%", "=", "<", ">"}

// lex cuts the source into tokens; the last one is the end.
func lex(src string) ([]token, error) {
	if !utf8.ValidString(src) {
		return nil, syntaxError(src, 0, "the text is not UTF-8")
	}
	var tokens []token
	for at := 0; at < len(src); {
		if strings.IndexByte(" \t\r\n", src[at]) >= 0 {
			at++
			continue
		}
		t, next, err := lexOne(src, at)
		if err != nil {
			return nil, err
		}
		tokens, at = append(tokens, t), next
	}
	return append(tokens, token{at: len(src)}), nil
}

func lexOne(src string, at int) (token, int, error) {
	switch c := src[at]; {
	case c == '\'' || c == '"':
		return lexString(src, at)
	case isDigit(c):
		end := lexNumber(src, at)
		return token{numberToken, src[at:end], at}, end, nil
	case isLetter(c):
		end := at
		for end < len(src) && (isLetter(src[end]) || isDigit(src[end])) {
			end++
		}
		return token{wordToken, src[at:end], at}, end, nil
	}
	if strings.HasPrefix(src[at:], "/*") || strings.HasPrefix(src[at:], "//") {
		return token{}, 0, syntaxError(src, at, "comments are not part of this SQL: take it out")
	}
	for _, sign := range signs {
		if strings.HasPrefix(src[at:], sign) {
			return token{signToken, sign, at}, at + len(sign), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(src[at:])
	return token{}, 0, syntaxError(src, at, "%q means nothing here; a key that has it is read with get(*, 'the key')", r)
}

// lexString reads a text in single or double quotes. The quote itself is written twice; a backslash is a backslash.
func lexString(src string, at int) (token, int, error) {
	quote := src[at]
	var b strings.Builder
	for i := at + 1; i < len(src); i++ {
		if src[i] != quote {
			b.WriteByte(src[i])
			continue
		}
		if i+1 < len(src) && src[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return token{stringToken, b.String(), at}, i + 1, nil
	}
	return token{}, 0, syntaxError(src, at, "the text that begins here has no closing %c", quote)
}

func lexNumber(src string, at int) int {
	end := digits(src, at)
	if end+1 < len(src) && src[end] == '.' && isDigit(src[end+1]) {
		end = digits(src, end+1)
	}
	if end < len(src) && (src[end] == 'e' || src[end] == 'E') {
		exponent := end + 1
		if exponent < len(src) && (src[exponent] == '-' || src[exponent] == '+') {
			exponent++
		}
		if exponent < len(src) && isDigit(src[exponent]) {
			end = digits(src, exponent)
		}
	}
	return end
}

func digits(src string, at int) int {
	for at < len(src) && isDigit(src[at]) {
		at++
	}
	return at
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
