package policy

import (
	"slices"
	"strings"
)

// Action is what somebody wants to do, by AWS IoT's names.
type Action string

// The actions.
const (
	Publish   Action = "iot:Publish"
	Subscribe Action = "iot:Subscribe" // the topic is a filter
	Receive   Action = "iot:Receive"
)

// A home is where a thing finds its own topics: below the prefix, its name, and a slash.
type home struct {
	prefix string
	// publishes says what of it is the thing's to publish: the rest of the topic, behind the thing's name. It may read all of it.
	publishes func(rest string) bool
}

var homes = []home{
	{"dt/", telemetry},
	{"$aws/things/", request},
	{"$aws/commands/things/", response},
}

// basicIngest is AWS IoT's prefix of messages to one rule alone: $aws/rules/{rule}/{topic}. Nobody subscribes to them.
const basicIngest = "$aws/rules/"

// Allows reports whether a thing may act on a topic, or on a filter when it subscribes. A thing is at home below its own name; a
// gateway g is also at home below g:device, for it speaks for the devices behind it. Everything else is denied, and so is publishing what
// a server says: who could publish an accepted or an acknowledgement could tell a machine a lie.
func Allows(thing string, action Action, topic string) bool {
	if action == Subscribe {
		topic = unshared(topic)
	}
	if rest, ok := strings.CutPrefix(topic, basicIngest); ok && action == Publish {
		_, topic, _ = strings.Cut(rest, "/") // what it would be without: the rule sees it under that name
	}
	for _, h := range homes {
		if rest, ok := strings.CutPrefix(topic, h.prefix); ok {
			below, mine := own(thing, rest)
			return mine && (action != Publish || h.publishes(below))
		}
	}
	return false
}

// AllowsPerson reports whether somebody who administers things may publish on a topic: on all that is not a thing's or the server's own word;
// below $ that leaves requests for shadows.
func AllowsPerson(topic string) bool {
	if rest, ok := strings.CutPrefix(topic, basicIngest); ok {
		_, topic, _ = strings.Cut(rest, "/")
	}
	for _, h := range homes {
		rest, ok := strings.CutPrefix(topic, h.prefix)
		if name, below, _ := strings.Cut(rest, "/"); ok {
			return name != "" && h.publishes(below) && (topic[0] != '$' || strings.HasPrefix(below, "shadow/"))
		}
	}
	return topic != "" && topic[0] != '$'
}

// own reports whether the first level of rest is the thing's own name or g:device, with something below it. A wildcard in that level
// would be wider than own and matches no name.
func own(thing, rest string) (below string, mine bool) {
	name, below, levels := strings.Cut(rest, "/")
	if thing == "" || !levels || below == "" || strings.ContainsAny(name, "+#") {
		return "", false
	}
	if name == thing {
		return below, true
	}
	device, ok := strings.CutPrefix(name, thing+":")
	return below, ok && device != ""
}

// telemetry is all below dt/{thing}/ but what the cloud tells the thing.
func telemetry(rest string) bool { return rest != "alarm/acknowledge" && rest != "watch" }

// request knows AWS IoT's reserved topics below $aws/things/{thing}/ that a client publishes on: shadow[/name/{n}]/(get|update|delete),
// jobs/(get|start-next) and jobs/{id}/(get|update).
func request(rest string) bool {
	service, rest, _ := strings.Cut(rest, "/")
	switch levels := strings.Split(rest, "/"); service {
	case "shadow":
		if len(levels) == 3 && levels[0] == "name" && levels[1] != "" {
			levels = levels[2:]
		}
		return len(levels) == 1 && slices.Contains([]string{"get", "update", "delete"}, levels[0])
	case "jobs":
		if len(levels) == 1 {
			return slices.Contains([]string{"get", "start-next"}, levels[0])
		}
		return len(levels) == 2 && levels[0] != "" && slices.Contains([]string{"get", "update"}, levels[1])
	}
	return false
}

// response is executions/{id}/response[/json], below $aws/commands/things/{thing}/.
func response(rest string) bool {
	levels := strings.Split(rest, "/")
	return (len(levels) == 3 || len(levels) == 4 && levels[3] == "json") &&
		levels[0] == "executions" && levels[1] != "" && levels[2] == "response"
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
