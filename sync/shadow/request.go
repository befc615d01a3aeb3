package shadow

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Patch is what an update says of one section, or of the whole state: nothing, an object to merge in, or null.
type Patch struct {
	Sent   bool
	Object Object // nil with Sent: null, which deletes
}

// Request is an update that was understood, or the little that a get or a delete may say.
type Request struct {
	State             Patch // Object is what was sent, to be echoed
	Desired, Reported Patch
	Version           *uint64 // what the sender believes to be the current version; nil: any
	Token             string

	limits Limits
}

// ParseRequest reads an update. The error has AWS's code and words. It takes memory in proportion to limits.Payload.
func ParseRequest(payload []byte, limits Limits) (Request, *Error) {
	limits = limits.full()
	root, err := open(payload, limits)
	if err != nil {
		return Request{}, err
	}
	req, err := envelope(root, limits)
	if err == nil {
		err = req.readState(root)
	}
	if err != nil {
		err.Token = req.Token
		return Request{}, err
	}
	return req, nil
}

// ParseQuery reads what comes with a get or a delete: nothing, or an object with a client token and, to delete only what one
// has seen, a version.
func ParseQuery(payload []byte, limits Limits) (Request, *Error) {
	limits = limits.full()
	if len(payload) == 0 {
		return Request{limits: limits}, nil
	}
	root, err := open(payload, limits)
	if err != nil {
		return Request{}, err
	}
	req, err := envelope(root, limits)
	if err != nil {
		err.Token = req.Token
		return Request{}, err
	}
	return req, nil
}

func open(payload []byte, limits Limits) (Object, *Error) {
	if len(payload) > limits.Payload {
		return nil, tooLarge()
	}
	if !utf8.Valid(payload) {
		return nil, notUTF8()
	}
	return parse(payload, limits.Depth)
}

// envelope reads the token first: every refusal after it carries it.
func envelope(root Object, limits Limits) (Request, *Error) {
	req := Request{limits: limits}
	switch token := root["clientToken"].(type) {
	case nil:
	case string:
		if len(token) > MaxToken {
			return req, invalid("Invalid clientToken")
		}
		req.Token = token
	default:
		return req, invalid("Invalid clientToken")
	}
	switch version := root["version"].(type) {
	case nil:
	case json.Number:
		n, err := strconv.ParseUint(string(version), 10, 63)
		if err != nil {
			return req, invalid("Invalid version")
		}
		req.Version = &n
	default:
		return req, invalid("Invalid version")
	}
	return req, nil
}

func (r *Request) readState(root Object) *Error {
	node, ok := root["state"]
	if !ok {
		return invalid("Missing required node: state")
	}
	r.State.Sent = true
	if node == nil {
		return nil
	}
	if r.State.Object, ok = node.(Object); !ok {
		return invalid("State node must be an object")
	}
	for name := range r.State.Object {
		if name != "desired" && name != "reported" {
			return invalidNode(name)
		}
	}
	if err := r.Desired.read(r.State.Object, "desired", r.limits.Depth); err != nil {
		return err
	}
	return r.Reported.read(r.State.Object, "reported", r.limits.Depth)
}

func (p *Patch) read(state Object, section string, depth int) *Error {
	node, ok := state[section]
	if !ok {
		return nil
	}
	p.Sent = true
	if node == nil {
		return nil
	}
	if p.Object, ok = node.(Object); !ok {
		return invalid(map[string]string{"desired": "Desired", "reported": "Reported"}[section] + " node must be an object")
	}
	return check(p.Object, section, 1, depth)
}

// check holds a section against the depth, and refuses null where it would not mean to delete.
func check(v any, name string, level, depth int) *Error {
	switch v := v.(type) {
	case Object:
		if level > depth {
			return tooDeep(depth)
		}
		for k, e := range v {
			if err := check(e, k, level+1, depth); err != nil {
				return err
			}
		}
	case []any:
		if level > depth {
			return tooDeep(depth)
		}
		for _, e := range v {
			if e == nil || holdsNull(e) {
				return invalidNode(name)
			}
			if err := check(e, name, level+1, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// holdsNull looks for null in the objects of an array: arrays are stored as they come, so nothing would take it out.
func holdsNull(v any) bool {
	o, _ := v.(Object)
	for _, e := range o {
		if e == nil || holdsNull(e) {
			return true
		}
	}
	return false
}
