package shadow

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// appendValue writes compact JSON with sorted keys, so that equal trees of equal numbers have equal bytes.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case Object:
		b = append(b, '{')
		for i, k := range sortedKeys(v) {
			b = appendKey(b, i, k)
			b = appendValue(b, v[k])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case string:
		return appendString(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case nil:
		return append(b, "null"...)
	}
	panic("BUG: a shadow holds a value that is not JSON's")
}

func sortedKeys(o Object) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func appendKey(b []byte, place int, key string) []byte {
	if place > 0 {
		b = append(b, ',')
	}
	return append(appendString(b, key), ':')
}

// appendString writes a string; < > and & stay as they are, which json.Marshal would make six bytes each.
func appendString(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("BUG: a string that JSON can't hold: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})...)
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendToken writes the client token as one more member of an object, if there is one.
func appendToken(b []byte, token string) []byte {
	if token == "" {
		return b
	}
	return appendString(append(b, `,"clientToken":`...), token)
}

// appendTail writes the members that most messages end with, and closes the object.
func appendTail(b []byte, version uint64, now int64, token string) []byte {
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, version, 10)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, now, 10)
	return append(appendToken(b, token), '}')
}
