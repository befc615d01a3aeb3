package shadow

import (
	"strconv"
	"time"
)

// State is the two sections of a shadow. Read it, never write to it.
type State struct {
	Desired, Reported Object
}

// Equal compares both sections by what they mean; an empty section is none.
func (s State) Equal(o State) bool {
	return equalObjects(s.Desired, o.Desired) && equalObjects(s.Reported, o.Reported)
}

// Document is a shadow as it is stored. The zero value is one that was never there. A copy is cheap and stays what it is:
// changes make new trees.
type Document struct {
	desired, reported section
	version           uint64
	exists            bool
	deleted           int64 // seconds since 1970; when it was deleted, while its version is remembered
}

// NewDocument is a document read from elsewhere, say from the answer of a cloud: state, version, and no times.
func NewDocument(state State, version uint64) Document {
	d := Document{version: version, exists: true}
	d.desired = d.desired.apply(Patch{Sent: true, Object: nonNil(state.Desired)}, 0)
	d.reported = d.reported.apply(Patch{Sent: true, Object: nonNil(state.Reported)}, 0)
	return d
}

// Exists says whether there is a shadow: it was made, and not deleted since.
func (d Document) Exists() bool { return d.exists }

// Version is the current version; of a deleted shadow the last one; 0 when there was never one.
func (d Document) Version() uint64 { return d.version }

// Deleted is when the shadow was deleted, in seconds since 1970; 0 while it exists or when it never did.
func (d Document) Deleted() int64 { return d.deleted }

// State is what the shadow holds.
func (d Document) State() State { return State{Desired: d.desired.state, Reported: d.reported.state} }

// Delta is what is desired and not reported; empty when there is nothing to do.
func (d Document) Delta() Object { return delta(d.desired.state, d.reported.state) }

// Size is the bytes that Limits.State counts.
func (d Document) Size() int {
	n := 0
	for _, s := range []section{d.desired, d.reported} {
		if s.state != nil {
			n += len(appendValue(nil, s.state))
		}
	}
	return n
}

// Outcome is what an accepted update is answered with: payloads for /accepted, /delta and /documents, to go out in that order.
type Outcome struct {
	Accepted  []byte
	Delta     []byte // nil when desired and reported agree
	Documents []byte
}

// Update changes the document, or leaves it as it is and says why.
func (d *Document) Update(req Request, now time.Time) (Outcome, *Error) {
	limits, ts := req.limits.full(), now.Unix()
	if !d.accepts(req.Version) {
		return Outcome{}, refuse(conflict(), req)
	}
	next := d.next(limits, ts)
	if req.State.Sent && req.State.Object == nil {
		next.desired, next.reported = section{}, section{}
	}
	next.desired = next.desired.apply(req.Desired, ts)
	next.reported = next.reported.apply(req.Reported, ts)
	if next.Size() > limits.State {
		return Outcome{}, refuse(tooLarge(), req)
	}
	out := Outcome{
		Accepted:  next.accepted(req, ts),
		Delta:     next.deltaMessage(req.Token, ts),
		Documents: documents(*d, next, req.Token, ts),
	}
	*d = next
	return out, nil
}

// accepts compares a sender's version with ours. Of a deleted shadow a sender may know the last version, or that there is none.
func (d Document) accepts(version *uint64) bool {
	return version == nil || *version == d.version || !d.exists && *version == 0
}

// next is the document with its next version, before the change.
func (d Document) next(limits Limits, now int64) Document {
	next := d
	if !d.exists && now-d.deleted >= int64(limits.Remember/time.Second) {
		next = Document{}
	}
	next.version++
	next.exists, next.deleted = true, 0
	return next
}

// Get is the payload for get/accepted.
func (d Document) Get(id ID, req Request, now time.Time) ([]byte, *Error) {
	if !d.exists {
		return nil, refuse(noShadow(id), req)
	}
	b := append([]byte(`{"state":`), appendState(nil, d, d.Delta())...)
	b = append(b, `,"metadata":`...)
	b = d.appendMetadata(b)
	return appendTail(b, d.version, now.Unix(), req.Token), nil
}

// Delete removes the shadow and remembers its version. The payload is for delete/accepted.
func (d *Document) Delete(id ID, req Request, now time.Time) ([]byte, *Error) {
	if !d.exists {
		return nil, refuse(noShadow(id), req)
	}
	if !d.accepts(req.Version) {
		return nil, refuse(conflict(), req)
	}
	*d = Document{version: d.version, deleted: max(now.Unix(), 1)}
	b := append([]byte(`{"version":`), strconv.FormatUint(d.version, 10)...)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	return append(appendToken(b, req.Token), '}'), nil
}

func refuse(e *Error, req Request) *Error {
	e.Token = req.Token
	return e
}

func nonNil(o Object) Object {
	if o == nil {
		return Object{}
	}
	return o
}
