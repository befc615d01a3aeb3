package rule

import (
	"fmt"
	"regexp"
)

// maxPattern is the longest regular expression. RE2 matches in time linear in text times pattern, whatever is in them.
const maxPattern = 1000

var regexpFunctions = map[string]function{
	"regexp_matches": {min: 2, max: 2, call: func(e *env, a []Value) Value {
		s, re := e.matcher(a)
		if re == nil {
			return Value{}
		}
		return boolean(re.MatchString(s))
	}},
	"regexp_substr": {min: 2, max: 2, call: func(e *env, a []Value) Value {
		s, re := e.matcher(a)
		if re == nil {
			return Value{}
		}
		at := re.FindStringIndex(s)
		if at == nil {
			return Value{}
		}
		return text(s[at[0]:at[1]])
	}},
	"regexp_replace": {min: 3, max: 3, call: regexpReplace},
}

func compilePattern(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("a regular expression of %d bytes: at most %d", len(pattern), maxPattern)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%w (it is read as RE2: no look-around, no back-references)", err)
	}
	return re, nil
}

// matcher gives the text and the compiled pattern of a regexp function; nil when either is none.
func (e *env) matcher(a []Value) (string, *regexp.Regexp) {
	s, pattern := toString(a[0]), toString(a[1])
	if s.kind != String || pattern.kind != String {
		return "", nil
	}
	e.charge(1 + len(s.text)*len(pattern.text)/16)
	if e.err != nil {
		return "", nil
	}
	return s.text, e.pattern(pattern.text)
}

const maxPatterns = 64 // compiled patterns kept

// pattern compiles, and remembers. A pattern that is none is remembered as nil.
func (e *env) pattern(s string) *regexp.Regexp {
	if re, ok := e.patterns[s]; ok {
		return re
	}
	e.charge(10 * len(s))
	re, err := compilePattern(s)
	if err != nil {
		re = nil
	}
	if e.patterns == nil || len(e.patterns) >= maxPatterns {
		e.patterns = map[string]*regexp.Regexp{}
	}
	if len(s) <= maxPattern {
		e.patterns[s] = re
	}
	return re
}

func regexpReplace(e *env, a []Value) Value {
	s, re := e.matcher(a[:2])
	with := toString(a[2])
	if re == nil || with.kind != String {
		return Value{}
	}
	var out []byte
	end := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[end:m[0]]...)
		out = expand(out, with.text, s, m)
		if end = m[1]; !e.fits(len(out)) {
			return Value{}
		}
	}
	e.charge(len(out) / 64)
	return text(string(append(out, s[end:]...)))
}

// expand writes the replacement with $n for a group, as Java has it: $1x is group 1 and an x. \$ is a dollar.
func expand(out []byte, with, s string, m []int) []byte {
	for i := 0; i < len(with); i++ {
		switch c := with[i]; {
		case c == '\\' && i+1 < len(with):
			i++
			out = append(out, with[i])
		case c == '$' && i+1 < len(with) && isDigit(with[i+1]):
			group := int(with[i+1] - '0')
			for i++; i+1 < len(with) && isDigit(with[i+1]) && group*10+int(with[i+1]-'0') < len(m)/2; i++ {
				group = group*10 + int(with[i+1]-'0')
			}
			if group < len(m)/2 && m[2*group] >= 0 {
				out = append(out, s[m[2*group]:m[2*group+1]]...)
			}
		default:
			out = append(out, c)
		}
	}
	return out
}
