package shadow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Answer is a server's message as a client reads it: of /accepted, /delta or /rejected. What a kind of message does not carry
// is zero.
type Answer struct {
	State     Object // of /delta the difference; else desired, reported and, of get, delta
	Metadata  Object
	Version   uint64
	Timestamp int64 // seconds since 1970, by the server's clock
	Token     string
	Code      int // of /rejected
	Message   string
}

// ParseAnswer reads a server's message: AWS's or ours. It takes at most 16 times limits.State, or 128 KiB, of payload.
func ParseAnswer(payload []byte, limits Limits) (Answer, error) {
	limits = limits.full()
	if most := max(16*limits.State, 128<<10); len(payload) > most {
		return Answer{}, fmt.Errorf("read answer about a shadow: %d bytes, at most %d can be; raise the shadow's size limit if it is meant", len(payload), most)
	}
	if !utf8.Valid(payload) {
		return Answer{}, fmt.Errorf("read answer about a shadow: %w", notUTF8())
	}
	root, err := parse(payload, MaxDepth+1)
	if err != nil {
		return Answer{}, fmt.Errorf("read answer about a shadow: %w", err)
	}
	a := Answer{Version: uint64(whole(root["version"])), Timestamp: whole(root["timestamp"]), Code: int(whole(root["code"]))}
	a.State, _ = root["state"].(Object)
	a.Metadata, _ = root["metadata"].(Object)
	a.Token, _ = root["clientToken"].(string)
	a.Message, _ = root["message"].(string)
	return a, nil
}

// whole is a count that is not negative; anything else is 0.
func whole(v any) int64 {
	text, _ := v.(json.Number)
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Document is the shadow that get was answered with. It is an error if it could not be one. A time that is not there is 0.
func (a Answer) Document() (Document, error) {
	if a.Version == 0 {
		return Document{}, fmt.Errorf("read shadow: there is no version in it")
	}
	r := reader{root: Object{"state": a.State}}
	state := r.state("state")
	if err := r.done("read shadow"); err != nil {
		return Document{}, err
	}
	d := Document{version: a.Version, exists: true}
	d.desired = section{state.Desired, readTimes(state.Desired, a.Metadata["desired"])}
	d.reported = section{state.Reported, readTimes(state.Reported, a.Metadata["reported"])}
	return d, nil
}

// readTimes makes times in the shape of state out of metadata.
func readTimes(state Object, metadata any) times {
	if state == nil {
		return nil
	}
	m, _ := metadata.(Object)
	out := times{}
	for k, v := range state {
		if below, ok := v.(Object); ok {
			out[k] = readTimes(below, m[k])
			continue
		}
		out[k] = stamp(m[k])
	}
	return out
}

// stamp is the time of a leaf: of an array, its first element's, as all were written at once.
func stamp(metadata any) int64 {
	for {
		a, ok := metadata.([]any)
		if !ok || len(a) == 0 {
			break
		}
		metadata = a[0]
	}
	m, _ := metadata.(Object)
	return whole(m["timestamp"])
}

// Refused is the error of /rejected; nil of anything else.
func (a Answer) Refused() *Error {
	if a.Code == 0 {
		return nil
	}
	return &Error{Code: a.Code, Message: a.Message, Token: a.Token}
}
