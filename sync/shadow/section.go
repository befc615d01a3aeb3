package shadow

import (
	"maps"
	"strconv"
)

// section is desired or reported: the state and, in the same shape, when each leaf was last written. An array is one leaf,
// as it is replaced whole. An empty section is nil.
type section struct {
	state Object
	times times
}

// times holds int64 (seconds since 1970) for a leaf and times for an object.
type times map[string]any

// apply merges a patch in and leaves the section it was called on as it was.
func (s section) apply(p Patch, now int64) section {
	if !p.Sent {
		return s
	}
	if p.Object == nil {
		return section{}
	}
	s = s.merge(p.Object, now)
	if len(s.state) == 0 {
		return section{}
	}
	return s
}

func (s section) merge(patch Object, now int64) section {
	out := section{state: maps.Clone(s.state), times: maps.Clone(s.times)}
	if out.state == nil {
		out.state = Object{}
	}
	if out.times == nil {
		out.times = times{}
	}
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(out.state, k)
			delete(out.times, k)
		case Object:
			below := s.child(k).merge(v, now)
			out.state[k], out.times[k] = below.state, below.times
		default:
			out.state[k], out.times[k] = v, now
		}
	}
	return out
}

// child is the object below a key; empty when there is none.
func (s section) child(key string) section {
	state, ok := s.state[key].(Object)
	if !ok {
		return section{}
	}
	t, _ := s.times[key].(times)
	return section{state: state, times: t}
}

// delta is what is in want and differs or is missing in have: objects by their leaves, arrays whole.
func delta(want, have Object) Object {
	out := Object{}
	for k, w := range want {
		h, there := have[k]
		w, isObject := w.(Object)
		if h, same := h.(Object); isObject && same {
			if below := delta(w, h); len(below) > 0 {
				out[k] = below
			}
			continue
		}
		if !there || !Equal(want[k], h) {
			out[k] = want[k]
		}
	}
	return out
}

// appendTimes writes the metadata of v: {"timestamp":s} for each leaf of v, in the shape of v. when is what times holds for it.
func appendTimes(b []byte, v, when any) []byte {
	switch v := v.(type) {
	case Object:
		below, _ := when.(times)
		b = append(b, '{')
		for i, k := range sortedKeys(v) {
			b = appendKey(b, i, k)
			if t, ok := when.(int64); ok { // inside an array, or of a request: one time for all
				b = appendTimes(b, v[k], t)
			} else {
				b = appendTimes(b, v[k], below[k])
			}
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTimes(b, e, when)
		}
		return append(b, ']')
	}
	t, _ := when.(int64)
	b = append(b, `{"timestamp":`...)
	return append(strconv.AppendInt(b, t, 10), '}')
}
