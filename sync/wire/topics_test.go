package wire

import (
	"strings"
	"testing"
)

func TestTopicsComeApart(t *testing.T) {
	for _, topic := range []string{BlockTopic("plant7"), BirthTopic("plant7"), LossTopic("plant7"), TelemetryTopic("plant7:press"), AlarmTopic("a_b-c:1"), ClockTopic("plant7"), LiveTopic("plant7")} {
		thing, what, ok := ParseTopic(topic)
		if !ok || "dt/"+thing+"/"+what != topic {
			t.Errorf("ParseTopic(%q) = %q, %q, %v", topic, thing, what, ok)
		}
	}
}

func TestOtherTopicsAreRefused(t *testing.T) {
	for _, topic := range []string{"", "dt", "dt/", "dt/plant7", "dt//block", "dt/plant7/", "dt/plant7/block/", "dt/plant7/x/block", "dt/plant7/other",
		"xx/plant7/block", "/dt/plant7/block", "dt/plant 7/block", "dt/+/block", WatchTopic("plant7"), "dt/plant7/#", "dt/é/block",
		"dt/" + strings.Repeat("x", MaxThing+1) + "/block", strings.Repeat("dt/", 1<<18)} {
		if thing, what, ok := ParseTopic(topic); ok {
			t.Errorf("ParseTopic(%.40q) gives %.40q, %q", topic, thing, what)
		}
	}
	if !ValidName(strings.Repeat("x", MaxThing)) {
		t.Errorf("a name of %d bytes is refused", MaxThing)
	}
}
