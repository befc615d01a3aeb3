package command_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// cloud asks by a command.
func cloud(point string, v telemetry.Value) command.Order {
	return command.Order{Point: "press." + point, Value: v, Who: "otto@example.com", From: "cloud", Channel: command.Command, Issued: noon, Key: point + v.String()}
}

func TestWhatMayNotBeWrittenIsRefusedAndSaysWhatToDo(t *testing.T) {
	hot := func(p *plant) { p.set(oilTemp, telemetry.Float64(90)) }
	blind := func(p *plant) { p.setQuality(oilTemp, telemetry.Value{}, telemetry.BadTimeout) }
	dark := func(p *plant) { p.setQuality(setpoint, telemetry.Value{}, telemetry.BadNoCommunication) }
	shadow := anna("speed", "3")
	shadow.Channel = command.Shadow
	future, past, late := cloud("setpoint", telemetry.Int64(21)), cloud("setpoint", telemetry.Int64(21)), cloud("setpoint", telemetry.Int64(21))
	future.Issued = noon.Add(61 * time.Second)
	past.Issued = noon.Add(-61 * time.Second)
	late.Expires = noon.Add(-time.Second)
	nobody, nowhere := anna("setpoint", "21"), anna("setpoint", "21")
	nobody.Who, nowhere.Channel = "", "fax"
	for _, c := range []struct {
		name string
		o    command.Order
		prep func(*plant)
		code command.Code
		says string
	}{
		{"a point that is not", anna("oven", "1"), nil, command.NoSuchPoint, "penstock points"},
		{"read only", anna("oil_temp", "1"), nil, command.NotWritable, "give it access: rw"},
		{"read only and listed", cloud("oil_temp", telemetry.Int64(1)), nil, command.NotWritable, "give it access: rw"},
		{"a command to what is not listed", cloud("speed", telemetry.Int64(3)), nil, command.NotListed, "`commands:`"},
		{"a shadow of what is not listed", shadow, nil, command.NotListed, "`shadow:`"},
		{"a number that has no name", anna("mode", "7"), nil, command.OutOfRange, "stop (0), manual (1), auto (2)"},
		{"a name that the enum has not", anna("mode", "fly"), nil, command.OutOfRange, "stop (0)"},
		{"above the range", anna("setpoint", "100.1"), nil, command.OutOfRange, "write 0..100 °C"},
		{"text where a number is", anna("setpoint", "warm"), nil, command.WrongType, "a number"},
		{"text where a switch is", anna("lid", "warm"), nil, command.WrongType, "true or false"},
		{"2 where a switch is", anna("lid", "2"), nil, command.WrongType, "true or false"},
		{"a part where a whole is", anna("count", "2.5"), nil, command.WrongType, "a whole number"},
		{"a number where text is", cloud("recipe", telemetry.Int64(1)), nil, command.WrongType, "write text"},
		{"no number at all", cloud("setpoint", telemetry.Float64(math.NaN())), nil, command.WrongType, "write a number"},
		{"endless", cloud("count", telemetry.Float64(math.Inf(1))), nil, command.WrongType, "write a number"},
		{"too far at once", anna("setpoint", "31"), nil, command.StepTooBig, "write 30 first"},
		{"a step from nobody knows where", anna("setpoint", "21"), dark, command.NoReading, "no communication"},
		{"from the future", future, nil, command.WrongClock, "set the clocks"},
		{"past its ttl", past, nil, command.Expired, "ask again"},
		{"past its end", late, nil, command.Expired, "ask again"},
		{"interlock says no", cloud("start", telemetry.Bool(true)), hot, command.Interlock, "press.oil_temp is 90"},
		{"interlock knows not", cloud("start", telemetry.Bool(true)), blind, command.Interlock, "wait until it is read"},
		{"nobody", nobody, nil, command.BadRequest, "who asks"},
		{"no way", nowhere, nil, command.BadRequest, "no way by which orders come"},
		{"a key that is no key", command.Order{Point: "press.count", Text: "1", Who: "a", Channel: command.Rule, Key: strings.Repeat("k", 129)}, nil, command.BadRequest, "key"},
		{"a book", command.Order{Point: "press.recipe", Text: strings.Repeat("k", 1<<20), Who: "a", Channel: command.Rule}, nil, command.BadRequest, "16384"},
		{"bytes", command.Order{Point: "press.recipe", Text: "\xff", Who: "a", Channel: command.Rule}, nil, command.BadRequest, "no text"},
		{"a name without end", command.Order{Point: strings.Repeat("k", 1<<20), Text: "1", Who: "a", Channel: command.Rule}, nil, command.BadRequest, "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlant(t)
			if c.prep != nil {
				c.prep(p)
			}
			r := p.desk.Do(t.Context(), c.o)
			if r.State != command.Refused || r.Code != c.code || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%s %s: %s\nwant %s and in it %q", r.State, r.Code, r.Reason, c.code, c.says)
			}
			if len(p.writes) != 0 {
				t.Errorf("written all the same: %v", p.writes)
			}
			records, err := p.log.Tail(9)
			if err != nil || len(records) != 1 || records[0].Outcome != "refused" || records[0].Who != c.o.Who || records[0].Details["code"] != string(c.code) {
				t.Errorf("the audit log has %+v, %v", records, err)
			}
			if s := p.desk.Stats(); s.Refused[c.code] != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAPauseBetweenTwoWritesHoldsOverARestart(t *testing.T) {
	p := newPlant(t)
	if r := p.desk.Do(t.Context(), anna("slow", "2")); r.State != command.Done {
		t.Fatalf("%+v", r)
	}
	for range 2 {
		p.wait(29 * time.Second)
		if r := p.desk.Do(t.Context(), anna("slow", "3")); r.Code != command.TooSoon || !strings.Contains(r.Reason, "try again in") {
			t.Errorf("%+v", r)
		}
		p.open(t)
	}
	p.wait(2 * time.Second)
	if r := p.desk.Do(t.Context(), anna("slow", "3")); r.State != command.Done {
		t.Errorf("%+v", r)
	}
}

func TestAClockSetBackDoesNotBlockAPoint(t *testing.T) {
	p := newPlant(t)
	p.desk.Do(t.Context(), anna("slow", "2"))
	p.wait(-365 * 24 * time.Hour)
	p.open(t)
	p.wait(61 * time.Second)
	if r := p.desk.Do(t.Context(), anna("slow", "3")); r.State != command.Done {
		t.Errorf("%+v", r)
	}
}

func TestWhoWaitsTooLongOrWithTooManyIsTold(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	hold, begun := make(chan struct{}), make(chan struct{})
	p.before = func(telemetry.PointID, telemetry.Value) { close(begun); <-hold }
	ends := make(chan command.Result, 2000)
	go func() { ends <- p.desk.Do(context.Background(), anna("count", "1")) }()
	<-begun
	p.before = nil
	ctx, cancel := context.WithCancel(t.Context())
	const all = 1200
	for i := range all {
		go func() { ends <- p.desk.Do(ctx, anna("count", fmt.Sprint(i))) }()
	}
	for range all - 999 {
		if r := <-ends; r.Code != command.Busy || !strings.Contains(r.Reason, "ask again later") {
			t.Fatalf("%+v", r)
		}
	}
	cancel()
	for range 999 {
		if r := <-ends; r.Code != command.Cancelled {
			t.Fatalf("%+v", r)
		}
	}
	close(hold)
	if r := <-ends; r.State != command.Done || p.count(count) != 1 {
		t.Errorf("%+v, %d writes", r, p.count(count))
	}
	if err := p.log.Verify(); err != nil {
		t.Error(err)
	}
}

func TestARefusalIsAnErrorWithACode(t *testing.T) {
	p := newPlant(t)
	err := p.desk.Do(t.Context(), anna("setpoint", "999")).Err()
	if r, ok := errors.AsType[*command.Refusal](err); !ok || r.Code != command.OutOfRange {
		t.Errorf("%v", err)
	}
}
