package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/wire"
)

func TestCommandTopics(t *testing.T) {
	for topic, want := range map[string]struct {
		thing, execution string
		response, ok     bool
	}{
		wire.CommandRequestTopic("plant7", "01J-a"):                       {"plant7", "01J-a", false, true},
		wire.CommandResponseTopic("plant7", "01J-a"):                      {"plant7", "01J-a", true, true},
		"$aws/commands/things/plant7/executions/a/request/cbor":           {},
		"$aws/commands/things/plant7/executions/a:b/request/json":         {},
		"$aws/commands/things/plant7/executions//request/json":            {},
		"$aws/commands/clients/plant7/executions/a/request/json":          {},
		"$aws/commands/things/plant7/executions/a/response/rejected/json": {},
		"dt/plant7/block": {},
	} {
		thing, execution, response, ok := wire.ParseCommandTopic(topic)
		if thing != want.thing || execution != want.execution || response != want.response || ok != want.ok {
			t.Errorf("%s: %q %q %v %v", topic, thing, execution, response, ok)
		}
	}
}

func TestCommandPayloads(t *testing.T) {
	r, err := wire.ParseCommandRequest([]byte(`{"point":"press.start","value":true,"who":"anna","expires":"2026-11-22T10:00:00Z"}`))
	if err != nil || r.Point != "press.start" || string(r.Value) != "true" || r.Expires.Year() != 2026 {
		t.Errorf("%+v %v", r, err)
	}
	for _, bad := range []string{`{}`, `[]`, `{"point":"a.b"}`, `{"point":"a.b","value":` + strings.Repeat(" ", 20_000) + `1}`} {
		if _, err := wire.ParseCommandRequest([]byte(bad)); !errors.Is(err, wire.ErrCommand) {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
	if _, err := wire.ParseCommandResponse([]byte(`{"status":"DONE"}`)); !errors.Is(err, wire.ErrCommand) {
		t.Errorf("a status nobody knows: %v", err)
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"point":"press.start","value":true,"who":"anna","expires":"2026-11-22T10:00:00Z"}`))
	f.Add([]byte(`{"status":"SUCCEEDED","result":{"value":1}}`))
	f.Fuzz(func(_ *testing.T, payload []byte) {
		_, _ = wire.ParseCommandRequest(payload)
		_, _ = wire.ParseCommandResponse(payload)
	})
}
