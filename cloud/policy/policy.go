package policy

import "strings"

// Action is what somebody wants to do, by AWS IoT's names.
type Action string

// The actions.
const (
	Publish   Action = "iot:Publish"
	Subscribe Action = "iot:Subscribe" // the topic is a filter
	Receive   Action = "iot:Receive"
)

// The topics below which a thing is at home: dt/{thing}/... and $aws/things/{thing}/...
var homes = []string{"dt/", "$aws/things/"}

// Allows reports whether a thing may act on a topic, or on a filter when it subscribes. A thing is at home below its own name; a
// gateway g is also at home below g:device, for it speaks for the devices behind it. Everything else is denied.
func Allows(thing string, action Action, topic string) bool {
	if action == Subscribe {
		topic = unshared(topic)
	}
	for _, home := range homes {
		if rest, ok := strings.CutPrefix(topic, home); ok {
			return own(thing, rest)
		}
	}
	return false
}

// own reports whether the first level of rest is the thing's own name or g:device, with something below it. A wildcard in that level
// would be wider than own and matches no name.
func own(thing, rest string) bool {
	name, below, levels := strings.Cut(rest, "/")
	if thing == "" || !levels || below == "" || strings.ContainsAny(name, "+#") {
		return false
	}
	if name == thing {
		return true
	}
	device, ok := strings.CutPrefix(name, thing+":")
	return ok && device != ""
}

// unshared takes the $share/{group}/ off a shared subscription's filter.
func unshared(filter string) string {
	const share = "$share/"
	if len(filter) < len(share) || !strings.EqualFold(filter[:len(share)], share) {
		return filter
	}
	_, inner, _ := strings.Cut(filter[len(share):], "/")
	return inner
}
