package shadow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/shadow"
)

func TestDS11_Topics(t *testing.T) {
	for _, id := range []shadow.ID{{Thing: "plant7:press"}, {Thing: "a-B_9", Name: "recipe"}, {Thing: "name", Name: "get"}, {Thing: "get", Name: "name"}} {
		for op, kinds := range map[shadow.Op][]shadow.Kind{
			shadow.OpGet:    {shadow.Ask, shadow.Accepted, shadow.Rejected},
			shadow.OpDelete: {shadow.Ask, shadow.Accepted, shadow.Rejected},
			shadow.OpUpdate: {shadow.Ask, shadow.Accepted, shadow.Rejected, shadow.Delta, shadow.Documents},
		} {
			for _, kind := range kinds {
				want := shadow.Topic{ID: id, Op: op, Kind: kind}
				got, err := shadow.ParseTopic(want.String())
				if err != nil || got != want {
					t.Errorf("%s is read as %+v, %v", want, got, err)
				}
			}
		}
	}
	if got := (shadow.Topic{ID: shadow.ID{Thing: "t", Name: "n"}, Op: shadow.OpUpdate, Kind: shadow.Delta}).String(); got != "$aws/things/t/shadow/name/n/update/delta" {
		t.Error(got)
	}
}

func TestDS11_NoTopics(t *testing.T) {
	long := strings.Repeat("x", 129)
	for topic, want := range map[string]error{
		"": shadow.ErrTopic, "dt/press/telemetry": shadow.ErrTopic, "$aws/things/press": shadow.ErrTopic, "$aws/things/press/shadow": shadow.ErrTopic,
		"$aws/things/press/shadow/": shadow.ErrTopic, "$aws/things/press/shadow/put": shadow.ErrTopic, "$aws/things/press/jobs/get": shadow.ErrTopic,
		"$aws/things/press/shadow/get/": shadow.ErrTopic, "$aws/things/press/shadow/get/delta": shadow.ErrTopic, "$aws/things/press/shadow/get/accepted/x": shadow.ErrTopic,
		"$aws/things/press/shadow/name": shadow.ErrTopic, "$aws/things/press/shadow/name/x": shadow.ErrTopic, "$aws/things/press/shadow/delete/documents": shadow.ErrTopic,
		"$aws/things/press/shadow/name/x/get/accepted/more": shadow.ErrTopic, "$AWS/things/press/shadow/get": shadow.ErrTopic,
		"$aws/things//shadow/get": shadow.ErrName, "$aws/things/pr ess/shadow/get": shadow.ErrName, "$aws/things/+/shadow/get": shadow.ErrName, "$aws/things/pr\u00e9ss/shadow/get": shadow.ErrName,
		"$aws/things/press/shadow/name//get": shadow.ErrName, "$aws/things/press/shadow/name/#/get": shadow.ErrName,
		"$aws/things/" + long + "/shadow/get": shadow.ErrName, "$aws/things/press/shadow/name/" + long[:65] + "/get": shadow.ErrName,
	} {
		if got, err := shadow.ParseTopic(topic); !errors.Is(err, want) {
			t.Errorf("%q is %+v, %v; want %v", topic, got, err, want)
		}
	}
	ok := shadow.ID{Thing: long[:128], Name: long[:64]}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
}
