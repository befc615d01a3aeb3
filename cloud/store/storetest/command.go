package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

var issued = time.Unix(1_700_000_000, 0).UTC()

func command(gateway, execution string) cloud.Command {
	return cloud.Command{Execution: execution, Gateway: gateway, Point: "press.start", Value: json.RawMessage("true"), Who: "anna",
		Issued: issued, Expires: issued.Add(time.Minute), Status: wire.CommandCreated, Changed: issued}
}

func asked(c cloud.Command) audit.Entry {
	return audit.Entry{Time: c.Issued, Who: c.Who, Action: "point.write", Object: c.Gateway + "/" + c.Point, Outcome: audit.Asked, Trace: c.Execution}
}

func (f *fixture) create(c cloud.Command) error {
	return f.CreateCommand(f.t.Context(), c, 3, asked(c))
}

// answer stores a status and says whether it changed something.
func (f *fixture) answer(gateway, execution string, status wire.CommandStatus) (cloud.Command, bool) {
	f.t.Helper()
	a := cloud.CommandAnswer{Gateway: gateway, Execution: execution, Time: issued.Add(time.Hour), Response: wire.CommandResponse{Status: status,
		Result: map[string]json.RawMessage{"value": json.RawMessage("true")}}}
	c, changed, err := f.AnswerCommand(f.t.Context(), a, func(c cloud.Command) []audit.Entry { return []audit.Entry{asked(c)} })
	f.must(err)
	return c, changed
}

// testCommand: from asked to its last status, which stays; every change with its line, and nothing else with one.
func testCommand(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.gateway("plant8")
	f.must(f.create(command("plant7", "01A")))
	if err := f.create(command("plant7", "01A")); !errors.Is(err, cloud.ErrExists) {
		t.Errorf("one execution twice: %v, want ErrExists", err)
	}
	if err := f.create(command("nobody", "01B")); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("a command to nobody: %v, want ErrNotFound", err)
	}
	f.verifyAudit(1)
	f.reopen()
	if got, err := f.Command(ctx, "01A"); err != nil || !reflect.DeepEqual(got, command("plant7", "01A")) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, step := range []struct {
		status, want wire.CommandStatus
		changes      bool
	}{
		{wire.CommandInProgress, wire.CommandInProgress, true},
		{wire.CommandInProgress, wire.CommandInProgress, false},
		{wire.CommandSucceeded, wire.CommandSucceeded, true},
		{wire.CommandSucceeded, wire.CommandSucceeded, false},
		{wire.CommandFailed, wire.CommandSucceeded, false},
		{wire.CommandInProgress, wire.CommandSucceeded, false},
	} {
		if got, changed := f.answer("plant7", "01A", step.status); changed != step.changes || got.Status != step.want || got.Late != nil {
			t.Errorf("after %s: %s, changed %v; want %s, %v", step.status, got.Status, changed, step.want, step.changes)
		}
	}
	f.verifyAudit(3)
	for _, wrong := range [][2]string{{"plant8", "01A"}, {"plant7", "01X"}} {
		a := cloud.CommandAnswer{Gateway: wrong[0], Execution: wrong[1], Response: wire.CommandResponse{Status: wire.CommandFailed}}
		if _, _, err := f.AnswerCommand(ctx, a, nil); !errors.Is(err, cloud.ErrNotFound) {
			t.Errorf("an answer of %s to %s: %v, want ErrNotFound", wrong[0], wrong[1], err)
		}
	}
	if _, err := f.Command(ctx, "01X"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("an unknown command: %v, want ErrNotFound", err)
	}
}

// testCommandLate: what a gateway says after the time was over is kept beside the status.
func testCommandLate(t *testing.T, open Open) {
	f := start(t, open)
	f.gateway("plant7")
	f.must(f.create(command("plant7", "01A")))
	f.answer("plant7", "01A", wire.CommandTimedOut)
	if _, changed := f.answer("plant7", "01A", wire.CommandInProgress); changed {
		t.Error("what is in progress after the time was over changed something")
	}
	if c, changed := f.answer("plant7", "01A", wire.CommandSucceeded); !changed || c.Status != wire.CommandTimedOut || c.Late == nil {
		t.Errorf("a late answer: %v, %+v", changed, c)
	}
	if c, changed := f.answer("plant7", "01A", wire.CommandFailed); changed || c.Late.Status != wire.CommandSucceeded {
		t.Errorf("a second late answer: %v, %+v", changed, c.Late)
	}
	f.reopen()
	if c, err := f.Command(f.t.Context(), "01A"); err != nil || c.Late == nil || string(c.Late.Result["value"]) != "true" {
		t.Errorf("%+v, %v", c, err)
	}
	f.verifyAudit(3)
}

// testCommandLists: the newest first, page by page; open ones are bounded.
func testCommandLists(t *testing.T, open Open) {
	f, ctx := start(t, open), t.Context()
	f.gateway("plant7")
	f.gateway("plant8")
	for i := range 3 {
		f.must(f.create(command("plant7", fmt.Sprint("01", i))))
	}
	f.must(f.create(command("plant8", "015")))
	if err := f.create(command("plant7", "016")); !errors.Is(err, cloud.ErrTooMany) {
		t.Errorf("one open command more than there may be: %v, want ErrTooMany", err)
	}
	f.answer("plant7", "011", wire.CommandRejected)
	late := command("plant7", "017")
	late.Expires = issued.Add(time.Hour)
	f.must(f.create(late))

	for _, list := range []struct {
		q    cloud.CommandQuery
		want []string
	}{
		{cloud.CommandQuery{}, []string{"017", "015", "012", "011", "010"}},
		{cloud.CommandQuery{Gateway: "plant7"}, []string{"017", "012", "011", "010"}},
		{cloud.CommandQuery{Gateway: "plant7", Before: "012"}, []string{"011", "010"}},
		{cloud.CommandQuery{Gateway: "plant7", Open: true}, []string{"017", "012", "010"}},
		{cloud.CommandQuery{Open: true, Overdue: issued.Add(2 * time.Minute)}, []string{"015", "012", "010"}},
		{cloud.CommandQuery{Gateway: "nobody"}, nil},
	} {
		list.q.Max = 10
		found, err := f.Commands(ctx, list.q)
		f.must(err)
		var got []string
		for _, c := range found {
			got = append(got, c.Execution)
		}
		if !reflect.DeepEqual(got, list.want) {
			t.Errorf("%+v: %v, want %v", list.q, got, list.want)
		}
	}
	if found, _ := f.Commands(ctx, cloud.CommandQuery{Max: 2}); len(found) != 2 {
		t.Errorf("%d commands where two were asked for", len(found))
	}
}
