package shadow

import (
	"sync"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// maxSeen bounds the documents in sight; the others are asked for.
const maxSeen = 1000

// sight is the cloud's documents as this connection has shown them: one that was asked for is followed through the updates that the cloud
// tells of, so that it need not be asked for again. Where that leaves a doubt it is forgotten. A document in sight that is behind costs a
// 409, and is forgotten by it.
type sight struct {
	mu   sync.Mutex
	docs map[doc.ID]doc.Document
}

func newSight() sight { return sight{docs: map[doc.ID]doc.Document{}} }

func (s *sight) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.docs)
}

func (s *sight) of(id doc.ID) (doc.Document, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.docs[id]
	return d, ok
}

// see takes an answer of the cloud, in the order in which they come.
func (s *sight) see(t doc.Topic, payload []byte, a doc.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, seen := s.docs[t.ID]
	ok := false
	switch {
	case t.Op == doc.OpGet && t.Kind == doc.Accepted:
		var err error
		d, err = a.Document()
		ok = err == nil && (seen || len(s.docs) < maxSeen)
	case t.Op == doc.OpUpdate && t.Kind == doc.Accepted && seen:
		ok = follow(&d, payload, a)
	}
	if !ok {
		delete(s.docs, t.ID)
		return
	}
	s.docs[t.ID] = d
}

// follow does to a document what the cloud has accepted: its answer has what was asked, null included.
func follow(d *doc.Document, payload []byte, a doc.Answer) bool {
	if a.Version != d.Version()+1 {
		return false
	}
	req, bad := doc.ParseRequest(payload, doc.Limits{State: doc.MaxState, Depth: doc.MaxDepth}) // the cloud's limits were kept
	if bad != nil {
		return false
	}
	req.Version = nil // in an answer it is the new one
	_, bad = d.Update(req, time.Unix(a.Timestamp, 0))
	return bad == nil
}

// reading is what the cloud would answer to get for a document in sight.
func (m *Mirror) reading(id doc.ID, d doc.Document) (doc.Answer, error) {
	payload, refused := d.Get(id, doc.Request{}, m.o.Now())
	if refused != nil {
		return doc.Answer{}, refused
	}
	return doc.ParseAnswer(payload, m.o.Sync.Limits)
}
