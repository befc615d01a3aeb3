// Package outlet writes what a plain MQTT broker gets: the samples of a block as JSON under topics of the user's own, or blocks that the broker
// takes, within its limits.
//
// It knows blocks and their points' units, and no socket: messages are handed to whoever publishes them. gateway joins it.
package outlet
