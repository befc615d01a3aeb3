// Package broker is the MQTT endpoint: it lets things in by their certificates, hands over what they publish, and acknowledges
// nothing that was not taken.
//
// It hides the MQTT library, and knows nothing of blocks, stores or policies: who is welcome, what is allowed and where messages go are
// functions its user gives it. It imports nothing of ours; cloud/server joins it with the other rooms.
package broker
