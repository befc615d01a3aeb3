package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of one file. A site of 10,000 points is 1 MiB and 150,000 nodes, nested 6 deep.
const (
	maxFileBytes = 16 << 20
	maxNodes     = 2 << 20 // aliases counted as often as they are used, so that nine lines can't mean a billion
	maxDepth     = 48
	maxKeys      = 10_000 // of one block of keys: the library's time grows with their square, and this is one second
)

// reader turns one file into nodes.
type reader struct {
	src     *source
	found   *mistakes
	getenv  func(string) (string, bool)
	anchors map[string]*node
	heavy   bool // the bound of nodes was passed, and it was said
	asIs    bool // inside the section `rules`, where ${...} is an expression of the rules' language and no variable
}

// parse gives the file's one mapping, nil when there is none. Every mistake in it is added to found.
func parse(src *source, text []byte, found *mistakes, getenv func(string) (string, bool)) *node {
	r := &reader{src: src, found: found, getenv: getenv, anchors: map[string]*node{}}
	file := r.syntax(text)
	if file == nil {
		return nil
	}
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			found.fault(r.node(doc.Body, 0).at, "put it into a file of its own and include that", "a second document after ---: one file is one document")
			break
		}
		root = r.node(doc.Body, 0)
	}
	if root == nil || root.shape == empty {
		return nil
	}
	if root.shape != mapping {
		found.fault(root.at, "the first line is usually `version: 1`", "the file is %s; keys and values are wanted", root.shape)
		return nil
	}
	return root
}

// syntax is the library's half. A panic in it is a mistake in the file, as far as the engineer is concerned.
func (r *reader) syntax(text []byte) (file *ast.File) {
	defer func() {
		if p := recover(); p != nil {
			r.found.fault(r.src.whole(), "take out what was changed last", "this is no YAML that can be read: %v", p)
			file = nil
		}
	}()
	if !utf8.Valid(text) {
		r.found.fault(r.badBytes(), "save the file as UTF-8", "the file is not UTF-8 text")
		return nil
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff"))
	if !r.shallow(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntaxError(err)
		return nil
	}
	return file
}

func (r *reader) badBytes() place {
	for i, line := range r.src.lines {
		if !utf8.ValidString(line) {
			return place{src: r.src, line: i + 1, col: 1, width: 1}
		}
	}
	return r.src.whole()
}

// shallow keeps the library's recursion within a stack's bounds: it counts what can nest without a new line.
func (r *reader) shallow(tokens token.Tokens) bool {
	flow, inLine, line := 0, 0, 0
	var keys blockKeys
	for _, t := range tokens {
		if flow == 0 && keys.add(t) > maxKeys {
			r.found.fault(r.at(t.Prev), "split it over several devices or files", "more than %d keys in one place", maxKeys)
			return false
		}
		if t.Type == token.MappingKeyType {
			r.found.fault(r.at(t), "write key: value", "keys are not introduced by ? here")
			return false
		}
		if t.Position.Line != line || t.Type == token.CollectEntryType {
			line, inLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.TagType, token.AnchorType, token.MappingValueType:
			inLine++
		}
		if flow > maxDepth || inLine > maxDepth {
			r.tooDeep(r.at(t))
			return false
		}
	}
	return true
}

// blockKeys counts the keys of each block that is open, by the column in which they stand.
type blockKeys struct{ columns, counts []int }

// add counts a key by its colon, and gives how many its block has. What stands further left, a key or the dash of a
// list, closes the blocks to its right.
func (b *blockKeys) add(t *token.Token) int {
	isKey := t.Type == token.MappingValueType && t.Prev != nil
	if isKey {
		t = t.Prev
	} else if t.Type != token.SequenceEntryType {
		return 0
	}
	column, n := t.Position.Column, len(b.columns)
	for n > 0 && b.columns[n-1] > column {
		n--
	}
	b.columns, b.counts = b.columns[:n], b.counts[:n]
	if !isKey {
		return 0
	}
	if n == 0 || b.columns[n-1] < column {
		b.columns, b.counts = append(b.columns, column), append(b.counts, 0)
		n++
	}
	b.counts[n-1]++
	return b.counts[n-1]
}

func (r *reader) tooDeep(at place) {
	r.found.fault(at, "a configuration needs 6 levels", "nested more than %d levels deep", maxDepth)
}

// plainer says the library's commonest messages in the words of somebody who writes a file.
var plainer = map[string][2]string{
	"mapping value is not allowed in this context":                 {"a second colon, or a line indented further than the one before it", "indent equal keys equally; a text with `: ` in it wants quotes"},
	"could not find end character of double-quoted text":           {"the closing \" is missing", ""},
	"could not find end character of single-quoted text":           {"the closing ' is missing", ""},
	"',' or '}' must be specified":                                 {"the { of this place is not closed, or a comma is missing", "write {at: hr:100, type: int16}"},
	"',' or ']' must be specified":                                 {"the [ of this place is not closed, or a comma is missing", "write [a, b]"},
	"sequence end token ']' not found":                             {"the closing ] is missing", ""},
	"could not find flow map content":                              {"the closing } is missing", ""},
	"could not find flow mapping end token '}'":                    {"the closing } is missing", ""},
	"found character '\t' that cannot start any token":             {"a tab at the start of a line", "YAML is indented with spaces"},
	"found a tab character where an indentation space is expected": {"a tab at the start of a line", "YAML is indented with spaces"},
}

func (r *reader) syntaxError(err error) {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		r.found.fault(r.src.whole(), "", "%s", text)
		return
	}
	message, hint := e.GetMessage(), ""
	if p, ok := plainer[message]; ok {
		message, hint = p[0], p[1]
	}
	at := r.at(e.GetToken())
	if strings.Contains(at.text(), "${") && hint != "" {
		hint = "between { and } a variable wants quotes: \"${NAME}\""
	}
	r.found.fault(at, hint, "%s", message)
}

// at is a token's place.
func (r *reader) at(t *token.Token) place {
	width := utf8.RuneCountInString(strings.TrimSpace(t.Origin))
	if width == 0 || strings.Contains(t.Origin, "\n") {
		width = max(utf8.RuneCountInString(t.Value), 1)
	}
	return place{src: r.src, line: t.Position.Line, col: max(t.Position.Column, 1), width: width}
}

// node converts, and stops at the bounds: what lies beyond is empty and a mistake was added.
func (r *reader) node(n ast.Node, depth int) *node {
	if n == nil {
		return &node{at: r.src.whole(), weight: 1}
	}
	out := &node{at: r.at(n.GetToken()), weight: 1}
	if depth > maxDepth {
		r.tooDeep(out.at)
		return out
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		r.mapping(out, v, depth)
	case *ast.MappingValueNode:
		r.pairs(out, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		out.shape = list
		for _, item := range v.Values {
			out.items = append(out.items, r.counted(out, item, depth+1))
		}
	case *ast.AnchorNode:
		out = r.node(v.Value, depth+1)
		r.anchors[v.Name.GetToken().Value] = out
	case *ast.AliasNode:
		return r.alias(out, v)
	case *ast.TagNode:
		r.found.fault(out.at, "take it away", "the tag %s means nothing here", v.GetToken().Value)
		return r.node(v.Value, depth+1)
	case *ast.NullNode:
	case *ast.LiteralNode:
		out.shape, out.raw, out.quoted = scalar, v.Value.Value, true
		r.substitute(out)
	default:
		t := n.GetToken()
		out.shape, out.raw = scalar, t.Value
		out.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
		r.substitute(out)
	}
	return out
}

// counted converts a child and adds its weight to its parent's.
func (r *reader) counted(parent *node, child ast.Node, depth int) *node {
	n := r.node(child, depth)
	parent.weight += n.weight
	if parent.weight > maxNodes {
		if !r.heavy {
			r.found.fault(parent.at, "split it by `include`, and do not nest aliases", "more than %d values in one place", maxNodes)
		}
		r.heavy = true
		parent.weight -= n.weight
		return &node{at: n.at, weight: 1, broken: true}
	}
	return n
}

func (r *reader) alias(out *node, v *ast.AliasNode) *node {
	name := v.Value.GetToken().Value
	if n, ok := r.anchors[name]; ok {
		return n
	}
	hint := fmt.Sprintf("write &%s before the value it stands for, further up", name)
	r.found.fault(out.at, hint, "*%s stands for nothing", name)
	out.broken = true
	return out
}

func (r *reader) mapping(out *node, v *ast.MappingNode, depth int) {
	if v.IsFlowStyle && v.Start != nil {
		out.at = r.at(v.Start)
		out.at.width = 1
	}
	r.pairs(out, v.Values, depth)
	if !v.IsFlowStyle && len(out.entries) > 0 {
		out.at = out.entries[0].key.at
	}
}

func (r *reader) pairs(out *node, values []*ast.MappingValueNode, depth int) {
	out.shape = mapping
	first := make(map[string]place, len(values))
	var merged []*node
	for _, pair := range values {
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.counted(out, pair.Value, depth+1))
			continue
		}
		key := r.key(pair.Key)
		r.asIs = r.asIs || depth == 0 && key.text == "rules"
		value := r.counted(out, pair.Value, depth+1)
		r.asIs = r.asIs && depth > 0
		if value.at.line == 0 {
			value.at = key.at
		}
		if at, twice := first[key.text]; twice {
			r.found.fault(key.at, "keep one of the two", "duplicate key %q, first at line %d", key.text, at.line)
			continue
		}
		first[key.text] = key.at
		out.entries = append(out.entries, entry{key, value})
	}
	for _, m := range merged {
		r.merge(out, m, first)
	}
}

// key converts a key: its text, whatever type YAML would see in it. A variable has no business there.
func (r *reader) key(k ast.Node) *node {
	t := k.GetToken()
	if anchored, ok := k.(*ast.AnchorNode); ok {
		t = anchored.Value.GetToken()
	}
	return &node{shape: scalar, at: r.at(t), raw: t.Value, text: t.Value, weight: 1}
}

// merge is `<<: *defaults`: its keys count where the mapping has none of its own.
func (r *reader) merge(out, from *node, first map[string]place) {
	for _, item := range from.items {
		r.merge(out, item, first)
	}
	if from.shape == scalar {
		r.found.fault(from.at, "write <<: *name", "<< wants the alias of a mapping")
	}
	for _, e := range from.entries {
		if _, ok := first[e.key.text]; !ok {
			first[e.key.text] = e.key.at
			out.entries = append(out.entries, e)
		}
	}
}
