package cloud

import "github.com/penstock-edge/penstock/sync/telemetry"

// Live is one event for those who watch: new samples of a thing, that its presence changed, where its alarms are, what became of commands to it.
type Live struct {
	Thing    string
	Samples  []LiveSample // the newest of each point that the message carried
	Count    int          // how many samples the message carried
	Presence *Presence
	Alarms   []Alarm   // that changed, each once
	Commands []Command // that changed, each once
}

// LiveSample is a sample under its name.
type LiveSample struct {
	Point  string
	Sample telemetry.Sample
}

// Presence is a change of a thing's connection.
type Presence struct {
	Connected bool   `json:"connected"`
	Reason    string `json:"reason,omitempty"`
}
