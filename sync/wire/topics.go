package wire

import "strings"

// The last level of a topic under dt/ says what a message is.
const (
	WhatBlock     = "block"     // samples of a gateway, made by Encoder
	WhatBirth     = "birth"     // what a gateway says of itself on connecting, made by EncodeBirth
	WhatLoss      = "loss"      // what a gateway could not keep, made by EncodeLosses
	WhatTelemetry = "telemetry" // samples of any other thing, read by ParseTelemetry
	WhatAlarm     = "alarm"     // the life of an alarm
	WhatLive      = "live"      // samples of watched points, made by Encoder: at QoS 0, to be shown and forgotten
	WhatClock     = "clock"     // what a gateway found out of its clock, made by EncodeVerdicts
)

// The names of MQTT 5 user properties, and the content types.
const (
	PropEpoch   = "epoch"   // the life of the gateway's buffer that a block belongs to
	PropSeq     = "seq"     // its place in that life, from 1, in decimal
	PropSamples = "samples" // how many samples are in it, in decimal
	PropPrev    = "prev"    // the number of the block before it that is for the same cloud, in decimal, where that is not seq-1: what lies between is for others

	PropOldest = "oldest" // no block with a lower number is still to come, in decimal: it is stored, declared lost, or was for others

	ContentBlock = "application/vnd.penstock.block"
	ContentJSON  = "application/json"
)

// MaxThing is how many bytes a thing's name may have.
const MaxThing = 128

const root = "dt/"

// BlockTopic is where a gateway publishes its blocks.
func BlockTopic(gateway string) string { return root + gateway + "/" + WhatBlock }

// BirthTopic is where a gateway says what it is.
func BirthTopic(gateway string) string { return root + gateway + "/" + WhatBirth }

// LossTopic is where a gateway declares what it could not keep.
func LossTopic(gateway string) string { return root + gateway + "/" + WhatLoss }

// ClockTopic is where a gateway says what the times are that were in doubt.
func ClockTopic(gateway string) string { return root + gateway + "/" + WhatClock }

// TelemetryTopic is where a thing that is no gateway publishes its samples.
func TelemetryTopic(thing string) string { return root + thing + "/" + WhatTelemetry }

// AlarmTopic is where the alarms of a thing are published.
func AlarmTopic(thing string) string { return root + thing + "/" + WhatAlarm }

// AcknowledgeTopic is where a gateway is told of alarms that were acknowledged in the cloud.
func AcknowledgeTopic(gateway string) string { return AlarmTopic(gateway) + "/acknowledge" }

// LiveTopic is where a gateway sends the changes of points that somebody watches.
func LiveTopic(gateway string) string { return root + gateway + "/" + WhatLive }

// WatchTopic is where a gateway is told which points are watched, by EncodeWatch.
func WatchTopic(gateway string) string { return root + gateway + "/watch" }

// ParseTopic takes a topic of the form dt/{thing}/{what} apart; ok is false for every other topic.
func ParseTopic(topic string) (thing, what string, ok bool) {
	rest, under := strings.CutPrefix(topic, root)
	thing, what, levels := strings.Cut(rest, "/")
	if !under || !levels || !ValidName(thing) || !knownWhat(what) {
		return "", "", false
	}
	return thing, what, true
}

func knownWhat(what string) bool {
	switch what {
	case WhatBlock, WhatBirth, WhatLoss, WhatTelemetry, WhatAlarm, WhatClock, WhatLive:
		return true
	}
	return false
}

// ValidName reports whether a thing may have this name: 1 to MaxThing of a-z A-Z 0-9 : _ -
func ValidName(name string) bool {
	if len(name) == 0 || len(name) > MaxThing {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func nameByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == ':' || b == '_' || b == '-'
}
