package broker

// Message is what a client published. Its slices are the receiver's to keep.
type Message struct {
	Client      Client
	Topic       string
	Payload     []byte
	User        []Property
	ContentType string
	QoS         byte
	Retain      bool
	Will        bool // the client's last will, sent for it
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
