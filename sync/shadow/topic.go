package shadow

import (
	"errors"
	"fmt"
	"strings"
)

// Op is what a client asks for.
type Op string

// The operations, as they stand in topics.
const (
	OpGet    Op = "get"
	OpUpdate Op = "update"
	OpDelete Op = "delete"
)

// Kind is what a message is: a request, or one of the server's answers.
type Kind string

// The kinds, as they stand in topics. Delta and Documents only follow an update.
const (
	Ask       Kind = ""
	Accepted  Kind = "accepted"
	Rejected  Kind = "rejected"
	Delta     Kind = "delta"
	Documents Kind = "documents"
)

// ErrTopic is what every error about a topic wraps, save those about the names in it (ErrName).
var ErrTopic = errors.New("not a shadow topic: $aws/things/THING/shadow[/name/SHADOW]/(get|update|delete)[/accepted|/rejected|/delta|/documents]")

// Topic is one of the topics of one shadow.
type Topic struct {
	ID   ID
	Op   Op
	Kind Kind
}

const topicRoot = "$aws/things/"

// String is the topic as it goes over the wire.
func (t Topic) String() string {
	s := topicRoot + t.ID.Thing + "/shadow/"
	if t.ID.Name != "" {
		s += "name/" + t.ID.Name + "/"
	}
	s += string(t.Op)
	if t.Kind != Ask {
		s += "/" + string(t.Kind)
	}
	return s
}

// ParseTopic reads a topic of a shadow.
func ParseTopic(s string) (Topic, error) {
	rest, ok := strings.CutPrefix(s, topicRoot)
	if !ok {
		return Topic{}, ErrTopic
	}
	parts := strings.SplitN(rest, "/", 7) // no topic of ours has as many
	if len(parts) < 3 || parts[1] != "shadow" {
		return Topic{}, ErrTopic
	}
	t := Topic{ID: ID{Thing: parts[0]}}
	parts = parts[2:]
	if len(parts) > 2 && parts[0] == "name" {
		if parts[1] == "" {
			return Topic{}, fmt.Errorf("shadow name is empty: %w", ErrName)
		}
		t.ID.Name, parts = parts[1], parts[2:]
	}
	t.Op = Op(parts[0])
	if len(parts) == 2 {
		t.Kind = Kind(parts[1])
	}
	if len(parts) > 2 || len(parts) == 2 && t.Kind == Ask || !t.known() {
		return Topic{}, ErrTopic
	}
	return t, t.ID.Validate()
}

func (t Topic) known() bool {
	switch t.Kind {
	case Ask, Accepted, Rejected:
		return t.Op == OpGet || t.Op == OpUpdate || t.Op == OpDelete
	case Delta, Documents:
		return t.Op == OpUpdate
	}
	return false
}
