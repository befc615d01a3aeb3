package broker

import "time"

// Message is what a client published, or the server is to. Its slices are the receiver's to keep.
type Message struct {
	Client      Client
	Topic       string
	Payload     []byte
	User        []Property
	ContentType string
	QoS         byte
	Retain      bool
	Will        bool // the client's last will, sent for it

	// MQTT 5 properties (3.3.2.3).
	ResponseTopic string
	Correlation   []byte
	Expires       time.Duration // after being published, in whole seconds; 0: never
	Text          bool          // the payload is declared to be UTF-8
}

// Property is an MQTT 5 user property.
type Property struct{ Key, Value string }

// Property is the value of the first user property of a name.
func (m Message) Property(key string) (string, bool) {
	for _, p := range m.User {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}
