package shadow

import "strconv"

// accepted echoes what was sent, null included, and says when: AWS's answer has the request's fields only.
func (d Document) accepted(req Request, now int64) []byte {
	var sent any
	if req.State.Object != nil {
		sent = req.State.Object
	}
	b := append([]byte(`{"state":`), appendValue(nil, sent)...)
	b = append(b, `,"metadata":`...)
	b = appendTimes(b, sent, now)
	return appendTail(b, d.version, now, req.Token)
}

// deltaMessage is nil when there is no difference.
func (d Document) deltaMessage(token string, now int64) []byte {
	difference := d.Delta()
	if len(difference) == 0 {
		return nil
	}
	b := append([]byte(`{"state":`), appendValue(nil, difference)...)
	b = append(b, `,"metadata":`...)
	b = appendTimes(b, difference, d.desired.times)
	return appendTail(b, d.version, now, token)
}

func documents(previous, current Document, token string, now int64) []byte {
	b := previous.appendDocument([]byte(`{"previous":`))
	b = append(b, `,"current":`...)
	b = current.appendDocument(b)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, now, 10)
	return append(appendToken(b, token), '}')
}

// appendDocument writes state, metadata and version; of a shadow that was not there only version 0.
func (d Document) appendDocument(b []byte) []byte {
	if !d.exists {
		return append(b, `{"version":0}`...)
	}
	b = append(b, `{"state":`...)
	b = appendState(b, d, nil)
	b = append(b, `,"metadata":`...)
	b = d.appendMetadata(b)
	b = append(b, `,"version":`...)
	return append(strconv.AppendUint(b, d.version, 10), '}')
}

// appendState leaves empty sections out.
func appendState(b []byte, d Document, delta Object) []byte {
	state := Object{}
	for name, section := range map[string]Object{"desired": d.desired.state, "reported": d.reported.state, "delta": delta} {
		if len(section) > 0 {
			state[name] = section
		}
	}
	return appendValue(b, state)
}

func (d Document) appendMetadata(b []byte) []byte {
	state, when := Object{}, times{}
	if len(d.desired.state) > 0 {
		state["desired"], when["desired"] = d.desired.state, d.desired.times
	}
	if len(d.reported.state) > 0 {
		state["reported"], when["reported"] = d.reported.state, d.reported.times
	}
	return appendTimes(b, state, when)
}
