package shadow

import "encoding/json"

// Object is a JSON object: strings, json.Number, bool, nil, []any and Object as values. Objects of a Document are shared by
// all who read them and are never written to; an update makes new ones along the path it changes.
type Object = map[string]any

// Equal compares two values as JSON means them: objects without order, arrays with it, numbers by what they amount to
// (1 is 1.0 is 10e-1).
func Equal(a, b any) bool {
	switch a := a.(type) {
	case Object:
		b, ok := b.(Object)
		return ok && equalObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && equalArrays(a, b)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a, b)
	}
	switch b.(type) {
	case Object, []any:
		return false
	}
	return a == b
}

func equalObjects(a, b Object) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

func equalArrays(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
