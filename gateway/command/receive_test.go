package command_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

var slowly = telemetry.Int64(3)

// ask sends a command and gives what was answered.
func (p *plant) ask(ctx context.Context, execution, payload string) (answers []command.Answer, err error) {
	err = p.desk.Receive(ctx, wire.CommandRequestTopic("plant7", execution), []byte(payload), func(a command.Answer) { answers = append(answers, a) })
	return answers, err
}

func request(point, value string) string {
	return fmt.Sprintf(`{"point":%q,"value":%s,"who":"otto@example.com","issued":"2026-06-01T12:00:00Z","expires":"2026-06-01T12:05:00Z"}`, point, value)
}

func response(t *testing.T, a command.Answer) wire.CommandResponse {
	t.Helper()
	r, err := wire.ParseCommandResponse(a.Payload)
	if err != nil {
		t.Fatalf("%s: %v", a.Payload, err)
	}
	return r
}

func TestACommandIsAnsweredInAWSsWords(t *testing.T) {
	for _, c := range []struct {
		payload string
		status  wire.CommandStatus
		code    string
		value   string
	}{
		{request("press.setpoint", "25.5"), wire.CommandSucceeded, "", "25.5"},
		{request("press.mode", `"auto"`), wire.CommandSucceeded, "", "2"},
		{request("press.start", "true"), wire.CommandSucceeded, "", "true"},
		{request("press.recipe", `"0815"`), wire.CommandSucceeded, "", `"0815"`},
		{request("press.setpoint", "2500"), wire.CommandRejected, "OUT_OF_RANGE", ""},
		{request("press.setpoint", "null"), wire.CommandRejected, "BAD_REQUEST", ""},
		{request("press.setpoint", "[1]"), wire.CommandRejected, "BAD_REQUEST", ""},
		{request("press.setpoint", "1e999"), wire.CommandRejected, "BAD_REQUEST", ""},
		{`{"point":`, wire.CommandRejected, "BAD_REQUEST", ""},
		{`{}`, wire.CommandRejected, "BAD_REQUEST", ""},
		{strings.Repeat(" ", 17<<10), wire.CommandRejected, "BAD_REQUEST", ""},
	} {
		p := newPlant(t)
		answers, err := p.ask(t.Context(), "e1", c.payload)
		if err != nil || len(answers) != 1 || answers[0].Topic != "$aws/commands/things/plant7/executions/e1/response/json" || answers[0].Execution != "e1" {
			t.Fatalf("%.60s: %+v, %v", c.payload, answers, err)
		}
		r := response(t, answers[0])
		if r.Status != c.status || string(r.Result["value"]) != c.value || (r.Reason == nil) != (c.code == "") || r.Reason != nil && r.Reason.Code != c.code {
			t.Errorf("%.60s: answered %s", c.payload, answers[0].Payload)
		}
		again, err := p.ask(t.Context(), "e1", c.payload)
		if err != nil || len(again) != 1 || response(t, again[0]).Status != c.status {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
}

func TestAnswersAreKeptUntilTheCloudHasThem(t *testing.T) {
	p := newPlant(t)
	for i, point := range []string{"press.setpoint", "press.speed", "press.count"} {
		if _, err := p.ask(t.Context(), fmt.Sprint("e", i), request(point, "21")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.desk.Answered("e0"); err != nil {
		t.Fatal(err)
	}
	p.open(t)
	pending, err := p.desk.Pending()
	if err != nil || len(pending) != 2 || pending[0].Execution != "e1" || pending[1].Execution != "e2" {
		t.Fatalf("%+v, %v", pending, err)
	}
	if r := response(t, pending[0]); r.Status != wire.CommandRejected || r.Reason.Code != "NOT_LISTED" {
		t.Errorf("%s", pending[0].Payload)
	}
	if r := response(t, pending[1]); r.Status != wire.CommandSucceeded || string(r.Result["value"]) != "21" {
		t.Errorf("%s", pending[1].Payload)
	}
	again, err := p.ask(t.Context(), "e0", request("press.setpoint", "21"))
	if err != nil || response(t, again[0]).Status != wire.CommandSucceeded || p.count(setpoint) != 1 {
		t.Errorf("an answer that was confirmed, asked for again: %+v, %v", again, err)
	}
}

func TestAnotherCommandUnderOneExecutionIsRefused(t *testing.T) {
	p := newPlant(t)
	for i, payload := range []string{request("press.setpoint", "21"), request("press.setpoint", "22"), `{`} {
		answers, err := p.ask(t.Context(), "e1", payload)
		if err != nil || len(answers) != 1 {
			t.Fatalf("%v %v", answers, err)
		}
		if r := response(t, answers[0]); i == 1 && (r.Status != wire.CommandRejected || r.Reason.Code != "DUPLICATE") {
			t.Errorf("%s", answers[0].Payload)
		}
	}
	if p.count(setpoint) != 1 {
		t.Errorf("written %d times", p.count(setpoint))
	}
}

func TestATopicOfSomethingElseIsNoCommand(t *testing.T) {
	p := newPlant(t)
	for _, topic := range []string{"", "dt/plant7", wire.CommandResponseTopic("plant7", "e1"), "$aws/commands/things/plant7/executions/+/request/json"} {
		err := p.desk.Receive(t.Context(), topic, []byte(request("press.setpoint", "21")), func(a command.Answer) { t.Errorf("%s: answered %s", topic, a.Payload) })
		if err == nil {
			t.Errorf("%s: no error", topic)
		}
	}
}

func TestACommandThatTakesLongIsSaidToBeInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant(t)
		p.before = func(telemetry.PointID, telemetry.Value) { time.Sleep(3 * time.Second) }
		answers, err := p.ask(t.Context(), "e1", request("press.setpoint", "21"))
		if err != nil || len(answers) != 2 {
			t.Fatalf("%+v, %v", answers, err)
		}
		if response(t, answers[0]).Status != wire.CommandInProgress || answers[0].Execution != "" || response(t, answers[1]).Status != wire.CommandSucceeded {
			t.Errorf("%s, then %s", answers[0].Payload, answers[1].Payload)
		}
	})
}

func TestTheEndOfTheGatewayIsNoAnswer(t *testing.T) {
	p := newPlant(t)
	p.run(t)()
	for _, payload := range []string{request("press.setpoint", "21"), "{"} {
		if answers, err := p.ask(t.Context(), "e1", payload); err == nil || len(answers) != 0 {
			t.Errorf("%+v, %v", answers, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	p := newPlant(f)
	f.Add(request("press.setpoint", "21"))
	f.Add(request("press.mode", `"auto"`))
	f.Add(`{"point":"press.count","value":18446744073709551615,"issued":"9999-12-31T23:59:59Z"}`)
	f.Add(`{"point":"press.recipe","value":"\u0000\ud800","who":"\u0000"}`)
	n := 0
	f.Fuzz(func(t *testing.T, payload string) {
		n++
		answers, err := p.ask(t.Context(), fmt.Sprint("e", n), payload)
		if err != nil || len(answers) == 0 {
			t.Fatalf("%q: no answer, %v", payload, err)
		}
		if r := response(t, answers[len(answers)-1]); !r.Status.Final() {
			t.Errorf("%q: %s", payload, r.Status)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"format":1,"point":"press.count","value":3,"held":3,"who":"a","channel":"local","key":"k","state":"done","reads":"NaN"}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		again, err := command.ReadRecord(stored)
		if err != nil {
			return
		}
		if _, err := command.ReadRecord(again); err != nil {
			t.Errorf("%s was read and %s is not: %v", stored, again, err)
		}
	})
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte(`{"format":1,"head_seq":7,"head_sha256":"00","base_seq":3,"base_sha256":""}`))
	f.Fuzz(func(_ *testing.T, stored []byte) { _ = command.ReadMarks(stored) })
}
