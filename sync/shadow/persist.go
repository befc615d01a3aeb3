package shadow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// formatVersion stands first in what is stored; FORMAT.md draws it.
const formatVersion = 1

// MaxStored bounds what Decode and DecodeBase read, in bytes. The largest State, with a time for each of its leaves and the
// copies that a Base keeps, stays below.
const MaxStored = 32 * MaxState

// Encode is the document as it is stored.
func (d Document) Encode() []byte {
	b := append([]byte(`{"format":`), strconv.Itoa(formatVersion)...)
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, d.version, 10)
	if !d.exists {
		b = append(b, `,"deleted":`...)
		return append(strconv.AppendInt(b, d.deleted, 10), '}')
	}
	b = appendSections(append(b, `,"state":`...), d.State())
	when := Object{}
	for name, s := range map[string]section{"desired": d.desired, "reported": d.reported} {
		if s.state != nil {
			when[name] = s.times.object()
		}
	}
	return append(appendValue(append(b, `,"times":`...), when), '}')
}

// Decode reads what Encode wrote. What anybody else wrote is an error, or a document that encodes to the same again.
func Decode(stored []byte) (Document, error) {
	root, err := decodeStored(stored)
	if err != nil {
		return Document{}, fmt.Errorf("read stored shadow: %w", err)
	}
	r := reader{root: root}
	d := Document{version: r.count("version")}
	if _, deleted := root["deleted"]; deleted {
		d.deleted = int64(r.count("deleted"))
		return d, r.done("read stored shadow")
	}
	d.exists = true
	state, when := r.state("state"), r.object("times")
	d.desired, d.reported = r.section(state.Desired, when["desired"]), r.section(state.Reported, when["reported"])
	return d, r.done("read stored shadow")
}

func decodeStored(stored []byte) (Object, error) {
	if len(stored) > MaxStored {
		return nil, fmt.Errorf("%d bytes, at most %d can be", len(stored), MaxStored)
	}
	if !utf8.Valid(stored) {
		return nil, notUTF8()
	}
	root, err := parse(stored, MaxDepth+1) // a Base has its sections one level deeper
	if err != nil {
		return nil, err
	}
	if f, _ := root["format"].(json.Number); f != json.Number(strconv.Itoa(formatVersion)) {
		return nil, fmt.Errorf("format %v is not known here, only %d: was it written by a newer version?", root["format"], formatVersion)
	}
	return root, nil
}

// reader takes members out of a stored object and keeps the first thing that is wrong.
type reader struct {
	root Object
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) done(doing string) error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, r.err)
}

func (r *reader) count(key string) uint64 {
	text, _ := r.root[key].(json.Number)
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil {
		r.fail("%s is no count", key)
	}
	return n
}

func (r *reader) object(key string) Object {
	o, ok := r.root[key].(Object)
	if !ok {
		r.fail("%s is no object", key)
	}
	return o
}

// state reads two sections. An empty one is none.
func (r *reader) state(key string) State {
	o := r.object(key)
	section := func(name string) Object {
		node, there := o[name]
		s, ok := node.(Object)
		if there && !ok {
			r.fail("%s.%s is no object", key, name)
		}
		if len(s) == 0 {
			return nil
		}
		if holdsNull(s) || check(s, name, 1, MaxDepth) != nil {
			r.fail("%s.%s holds null, or is too deep", key, name)
		}
		return s
	}
	return State{Desired: section("desired"), Reported: section("reported")}
}

func (r *reader) section(state Object, when any) section {
	if len(state) == 0 {
		return section{}
	}
	return section{state: state, times: r.times(state, when)}
}

// times must have the shape of the state.
func (r *reader) times(state Object, when any) times {
	stored, ok := when.(Object)
	if !ok || len(stored) != len(state) {
		r.fail("the times are not those of the state")
		return nil
	}
	t := times{}
	for k, v := range state {
		if below, ok := v.(Object); ok {
			t[k] = r.times(below, stored[k])
			continue
		}
		text, _ := stored[k].(json.Number)
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			r.fail("the time of %.64q is no whole number of seconds", k)
		}
		t[k] = n
	}
	return t
}

// object is the times as JSON knows them.
func (t times) object() Object {
	o := make(Object, len(t))
	for k, v := range t {
		switch v := v.(type) {
		case int64:
			o[k] = json.Number(strconv.FormatInt(v, 10))
		case times:
			o[k] = v.object()
		}
	}
	return o
}

// appendSections writes a State; an empty section is left out.
func appendSections(b []byte, s State) []byte {
	o := Object{}
	if len(s.Desired) > 0 {
		o["desired"] = s.Desired
	}
	if len(s.Reported) > 0 {
		o["reported"] = s.Reported
	}
	return appendValue(b, o)
}
