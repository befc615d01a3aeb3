package command_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestWhatReadsBackAsAnotherValueIsNotOK(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.takes = func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) { return telemetry.Float64(20), true }
	r := p.desk.Do(t.Context(), anna("setpoint", "20.5"))
	if r.State != command.Failed || r.Code != command.Differs || !strings.HasPrefix(r.Reason, "written 20.5, reads 20:") {
		t.Errorf("%+v", r)
	}
	if p.count(setpoint) != 1 {
		t.Errorf("written %d times", p.count(setpoint))
	}
	if !strings.HasSuffix(p.tale(t), "anna failed press.setpoint=20.5 DIFFERS") {
		t.Error(p.tale(t))
	}
}

func TestADriveThatTakesItsTimeIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		t.Run(fmt.Sprint("asked ", asked), func(t *testing.T) {
			p := newPlant(t)
			p.settle = 10 * time.Second
			p.open(t)
			var written atomic.Bool
			var reads atomic.Int32 // since it was written
			p.takes = func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) {
				written.Store(true)
				return telemetry.Float64(20.1), true
			}
			site := p.site(press())
			latest := func(id telemetry.PointID) (telemetry.Sample, bool) {
				if written.Load() && reads.Add(1) == 3 {
					p.set(setpoint, telemetry.Float64(25))
				}
				return p.Latest(id)
			}
			if asked {
				site.Read = func(_ context.Context, id telemetry.PointID) (telemetry.Sample, error) {
					s, _ := latest(id)
					return s, nil
				}
			} else {
				site.Latest = latest
			}
			if err := p.desk.Swap(site); err != nil {
				t.Fatal(err)
			}
			if r := p.desk.Do(t.Context(), anna("setpoint", "25")); r.State != command.Done || p.count(setpoint) != 1 {
				t.Errorf("%+v after %d reads", r, reads.Load())
			}
		})
	}
}

func TestAWriteWhoseAnswerWasLostIsReadBack(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.takes = func(_ telemetry.PointID, v telemetry.Value) (telemetry.Value, bool) { return v, false }
	if r := p.desk.Do(t.Context(), anna("setpoint", "25")); r.State != command.Done {
		t.Errorf("%+v", r)
	}
	p.takes = func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) { return telemetry.Float64(25), false }
	if r := p.desk.Do(t.Context(), anna("setpoint", "30")); r.Code != command.WriteFailed || !strings.Contains(r.Reason, "reads 25") {
		t.Errorf("%+v", r)
	}
	p.fails = errors.New("the device did not answer")
	if r := p.desk.Do(t.Context(), anna("setpoint", "31")); r.Code != command.Uncertain || !strings.Contains(r.Reason, "look at the equipment") {
		t.Errorf("%+v", r)
	}
	p.fails = fmt.Errorf("connection plc is down: %w", command.ErrNotSent)
	if r := p.desk.Do(t.Context(), anna("setpoint", "31")); r.Code != command.WriteFailed || !strings.Contains(r.Reason, "nothing was written") {
		t.Errorf("%+v", r)
	}
}

func TestAPointThatCannotBeReadBackIsUncertain(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.takes = func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) { return telemetry.Value{}, true }
	if r := p.desk.Do(t.Context(), anna("setpoint", "25")); r.State != command.Failed || r.Code != command.Uncertain {
		t.Errorf("%+v", r)
	}
}

// tenths is a register of whole numbers with the scale 0.1.
type tenths struct{}

func (tenths) Validate() error { return nil }
func (tenths) Pushed() bool    { return false }
func (tenths) Writable() error { return nil }
func (tenths) String() string  { return "hr:1" }

func (tenths) Hold(v telemetry.Value) (telemetry.Value, error) {
	f, ok := v.Float()
	if !ok || math.Abs(f) > 3276.7 {
		return v, errors.New("it does not fit into int16 with this scale")
	}
	return telemetry.Float64(math.Round(f*10) / 10), nil
}

func TestWhatTypeAndScaleRoundIsNoDifference(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	points := press()
	points[speed].Spec = tenths{}
	if err := p.desk.Swap(p.site(points)); err != nil {
		t.Fatal(err)
	}
	p.takes = func(_ telemetry.PointID, v telemetry.Value) (telemetry.Value, bool) {
		held, _ := tenths{}.Hold(v)
		return held, true
	}
	if r := p.desk.Do(t.Context(), anna("speed", "20.54")); r.State != command.Done || r.Sample.Value != telemetry.Float64(20.5) {
		t.Errorf("%+v", r)
	}
	if r := p.desk.Do(t.Context(), anna("speed", "4000")); r.Code != command.WrongType || !strings.Contains(r.Reason, "int16") {
		t.Errorf("%+v", r)
	}
	p.takes = func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) { return telemetry.Float64(20.4), true }
	if r := p.desk.Do(t.Context(), anna("speed", "20.54")); r.Code != command.Differs {
		t.Errorf("%+v", r)
	}
	points[speed].Guard = config.Guard{Tolerance: 0.2}
	if err := p.desk.Swap(p.site(points)); err != nil {
		t.Fatal(err)
	}
	if r := p.desk.Do(t.Context(), anna("speed", "20.54")); r.State != command.Done {
		t.Errorf("within its tolerance: %+v", r)
	}
}

func TestAPointOfWhichNothingCameYetIsAsked(t *testing.T) {
	p := newPlant(t)
	site := p.site(press())
	site.Latest = func(telemetry.PointID) (telemetry.Sample, bool) { return telemetry.Sample{}, false }
	answers := true
	site.Read = func(_ context.Context, id telemetry.PointID) (telemetry.Sample, error) {
		if !answers {
			return telemetry.Sample{}, errors.New("the device did not answer")
		}
		s, _ := p.Latest(id)
		return s, nil
	}
	if err := p.desk.Swap(site); err != nil {
		t.Fatal(err)
	}
	if r := p.desk.Do(t.Context(), anna("setpoint", "31")); r.Code != command.StepTooBig {
		t.Errorf("%+v", r)
	}
	if r := p.desk.Do(t.Context(), anna("setpoint", "30")); r.State != command.Done {
		t.Errorf("%+v", r)
	}
	answers = false
	if r := p.desk.Do(t.Context(), anna("setpoint", "30")); r.Code != command.NoReading {
		t.Errorf("%+v", r)
	}
}

func TestValuesAreTheSameAsTheEquipmentHasThem(t *testing.T) {
	f, i, s, b := telemetry.Float64, telemetry.Int64, telemetry.String, telemetry.Bool
	single := f(float64(float32(20.1)))
	for _, c := range []struct {
		held, reads telemetry.Value
		tolerance   float64
		want        bool
	}{
		{f(20.1), single, 0, true},
		{f(20.1), f(20.10001), 0, false},
		{f(0), f(1e-30), 0, false},
		{f(20), i(20), 0, true},
		{i(1 << 60), f(1 << 60), 0, true},
		{i(1<<53 + 1), i(1 << 53), 0, false},
		{telemetry.Uint64(math.MaxUint64), i(-1), 0, false},
		{telemetry.Uint64(7), i(7), 0, true},
		{b(true), i(1), 0, true},
		{b(true), i(5), 0, false},
		{s("bread"), s("bread\x00\x00  "), 0, true},
		{s("bread"), s("brea"), 0, false},
		{s("1"), i(1), 0, false},
		{i(20), i(21), 1, true},
		{f(20.3), f(20), 0.3, true},
		{f(20.31), f(20), 0.3, false},
		{telemetry.Value{}, telemetry.Value{}, 9, false},
		{f(1), f(math.NaN()), 9, false},
	} {
		if got := command.Same(c.held, telemetry.Sample{Value: c.reads}, c.tolerance); got != c.want {
			t.Errorf("held %v, reads %v, tolerance %v: same is %v", c.held, c.reads, c.tolerance, got)
		}
		if command.Same(c.held, telemetry.Sample{Value: c.reads, Quality: telemetry.BadTimeout}, c.tolerance) {
			t.Errorf("a bad reading of %v counts", c.reads)
		}
	}
}
