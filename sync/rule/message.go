package rule

import (
	"strings"
	"time"
)

// Message is what a statement looks at. Payload is read as JSON only if the statement asks for what is in it.
type Message struct {
	Topic     string
	Payload   []byte
	Body      *Value    // the payload where it has been read already; Payload is still what * and encode(*, ...) take when it is no JSON
	Time      time.Time // event time, for windows; zero: the moment of Eval
	ClientID  string
	Principal string
	TraceID   string

	Properties map[string]string // MQTT 5: content_type, response_topic, correlation_data (base64) ...
	User       [][2]string       // MQTT 5 user properties
}

// matches holds a topic against a filter as MQTT 5 has it (4.7): a/# takes a too, and no wildcard in front takes a $topic.
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false
	}
	for {
		if filter == "#" {
			return true
		}
		want, moreFilter, filterGoesOn := strings.Cut(filter, "/")
		have, moreTopic, topicGoesOn := strings.Cut(topic, "/")
		switch {
		case want != "+" && want != have:
			return false
		case !topicGoesOn:
			return !filterGoesOn || moreFilter == "#"
		case !filterGoesOn:
			return false
		}
		filter, topic = moreFilter, moreTopic
	}
}

// basicIngest is a topic without $aws/rules/NAME/, which goes to that rule alone.
func basicIngest(topic string) string {
	rest, ok := strings.CutPrefix(topic, "$aws/rules/")
	if !ok {
		return topic
	}
	_, rest, _ = strings.Cut(rest, "/")
	return rest
}

// Matches reports whether FROM takes messages of the topic. A statement without FROM takes those sent to the rule by name.
func (s *Statement) Matches(topic string) bool {
	if s.from == "" {
		return strings.HasPrefix(topic, "$aws/rules/")
	}
	return matches(s.from, topic)
}
