package opcua_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/adapters/opcua/opcuasim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// endsWithin waits for Subscribe to give the connection up.
func endsWithin(t *testing.T, ended <-chan error, limit time.Duration) error {
	t.Helper()
	start := time.Now()
	select {
	case err := <-ended:
		if err == nil {
			t.Fatal("Subscribe ended without an error")
		}
		t.Logf("noticed after %s: %v", time.Since(start).Round(time.Millisecond), err)
		return err
	case <-time.After(limit):
		t.Fatalf("not noticed within %s", limit)
		return nil
	}
}

func TestABlackHoleIsNoticed(t *testing.T) {
	sim, _ := startSim(t, opcuasim.Options{})
	sim.Set("Level", 1.0, telemetry.Good, time.Now())
	p := startProxy(t, sim.Endpoint())
	c := settings(p.endpoint())
	c.Watch, c.Timeout = 500*time.Millisecond, time.Second
	a := open(t, c)
	got, _, ended := subscribe(t, a, point(1, opcuasim.NodeID("Level"), sampled(20*time.Millisecond)))
	eventually(t, "the first value", func() bool { return len(got.all()) > 0 })
	p.silence()
	endsWithin(t, ended, c.Watch+c.Timeout+2*time.Second)
	start := time.Now()
	a.Close()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("Close of a dead connection took %s", took)
	}
}

func TestACutAndARestartEndInANewConnection(t *testing.T) {
	sim, stopSim := startSim(t, opcuasim.Options{})
	sim.Set("Level", 1.0, telemetry.Good, time.Now())
	c := settings(sim.Endpoint())
	a := open(t, c)
	got, _, ended := subscribe(t, a, point(1, opcuasim.NodeID("Level"), sampled(20*time.Millisecond)))
	eventually(t, "the first value", func() bool { return len(got.all()) > 0 })
	stopSim()
	endsWithin(t, ended, patience)
	samples, err := read(t, a, point(1, opcuasim.NodeID("Level")))
	if err == nil || !samples[0].Quality.IsBad() {
		t.Errorf("reading from a server that is gone: %v, %v", samples, err)
	}
	a.Close()
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("opening a server that is gone: %v", err)
	}

	again, _ := startSim(t, opcuasim.Options{Address: strings.TrimPrefix(sim.Endpoint(), "opc.tcp://")})
	again.Set("Level", 2.0, telemetry.Good, time.Now())
	got, _, _ = subscribe(t, open(t, c), point(1, opcuasim.NodeID("Level"), sampled(20*time.Millisecond)))
	eventually(t, "the value of the new server", func() bool { return last(got.all()).Value == telemetry.Float64(2) })
}

func TestASubscriptionThatTheServerForgotIsNoticed(t *testing.T) {
	sim, _ := startSim(t, opcuasim.Options{})
	sim.Set("Level", 1.0, telemetry.Good, time.Now())
	c := settings(sim.Endpoint())
	c.Timeout = 500 * time.Millisecond
	got, _, ended := subscribe(t, open(t, c), point(1, opcuasim.NodeID("Level"), sampled(20*time.Millisecond)))
	eventually(t, "the first value", func() bool { return len(got.all()) > 0 })
	sim.DropSubscriptions()
	if err := endsWithin(t, ended, patience); !strings.Contains(err.Error(), "no keep-alive") {
		t.Errorf("the reason given is %v", err)
	}
}

func TestOneNodeThatGoesCostsTheOthersNothing(t *testing.T) {
	sim := shared
	sim.Set("Stays", 1.0, telemetry.Good, time.Now())
	sim.Set("Goes", 1.0, telemetry.Good, time.Now())
	got, _, ended := subscribe(t, open(t, settings(sim.Endpoint())),
		point(1, opcuasim.NodeID("Stays"), sampled(20*time.Millisecond)), point(2, opcuasim.NodeID("Goes"), sampled(20*time.Millisecond)),
		point(3, "nsu=urn:nobody;s=Never", sampled(20*time.Millisecond)))
	eventually(t, "both values", func() bool { return len(got.of(1)) > 0 && last(got.of(2)).Quality == telemetry.Good })
	sim.Remove("Goes")
	eventually(t, "the removed node being bad", func() bool { return last(got.of(2)).Quality == telemetry.BadNodeUnknown })
	sim.Set("Stays", 2.0, telemetry.Good, time.Now())
	eventually(t, "the other going on", func() bool { return last(got.of(1)).Value == telemetry.Float64(2) })
	if last(got.of(3)).Quality != telemetry.BadNodeUnknown {
		t.Errorf("a namespace the server does not have: %v", got.of(3))
	}
	select {
	case err := <-ended:
		t.Errorf("the subscription ended: %v", err)
	default:
	}
}

func TestAPointWithoutAValueIsWaitedForOnce(t *testing.T) {
	sim := shared
	sim.Set("Empty", nil, telemetry.Good, time.Time{})
	got, err := read(t, open(t, settings(sim.Endpoint())), point(1, opcuasim.NodeID("Empty")))
	if err != nil || got[0].Quality != telemetry.BadWaitingForData {
		t.Errorf("a variable without a value: %v, %v", got, err)
	}
}

func TestReadingGoesOnBesideASubscription(t *testing.T) {
	sim := shared
	var polled []adapters.Point
	for i := range 100 { // the simulator takes 32 nodes a request
		name := fmt.Sprintf("Many%d", i)
		sim.Set(name, uint16(i), telemetry.Good, time.Now())
		polled = append(polled, point(telemetry.PointID(i), opcuasim.NodeID(name)))
	}
	sim.Set("List", []int32{7, 8, 9}, telemetry.Good, time.Now())
	polled = append(polled, point(100, opcuasim.NodeID("List"), element(0)), point(101, opcuasim.NodeID("List"), element(2)), point(102, opcuasim.NodeID("List")))
	a := open(t, settings(sim.Endpoint()))
	pushed, _, _ := subscribe(t, a, point(1, opcuasim.NodeID("Many1"), sampled(20*time.Millisecond)))
	for range 20 {
		got, err := read(t, a, polled...)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range got[:100] {
			if s.Point != telemetry.PointID(i) || s.Value != telemetry.Uint64(uint64(i)) {
				t.Fatalf("Many%d is %v", i, s)
			}
		}
		if got[100].Value != telemetry.Int64(7) || got[101].Value != telemetry.Int64(9) || got[102].Quality != telemetry.BadTypeMismatch {
			t.Fatalf("elements 0 and 2, and the whole list: %v", got[100:])
		}
	}
	eventually(t, "the subscribed value", func() bool { return len(pushed.all()) > 0 })
	if err := a.Subscribe(context.Background(), nil, pushed.emit); err == nil {
		t.Error("a second subscription was taken")
	}
}

func TestWritesAreConfirmedOrExplained(t *testing.T) {
	sim := shared
	sim.Set("Setpoint", float32(55), telemetry.Good, time.Now())
	sim.AllowWrite("Setpoint")
	sim.Set("Fixed", 1.0, telemetry.Good, time.Now())
	a := open(t, settings(sim.Endpoint()))
	asInt := func(s *opcua.Spec) { _ = s.Type.UnmarshalText([]byte("int32")) }
	for _, c := range []struct {
		point adapters.Point
		value telemetry.Value
		says  string
	}{
		{point(1, opcuasim.NodeID("Setpoint")), telemetry.Float64(60.5), ""},
		{point(1, opcuasim.NodeID("Setpoint"), asInt), telemetry.Int64(61), "name it with type"},
		{point(1, opcuasim.NodeID("Setpoint")), telemetry.String("hot"), "does not fit into Float"},
		{point(2, opcuasim.NodeID("Fixed")), telemetry.Float64(2), "does not let this user write"},
		{point(3, opcuasim.NodeID("Nowhere")), telemetry.Float64(2), "no such node"},
	} {
		err := a.Write(t.Context(), c.point, c.value)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("write %v to %s: %v; want %q", c.value, c.point.Spec, err, c.says)
		}
	}
	if got := sim.Get("Setpoint"); got != float32(60.5) {
		t.Errorf("the server has %v", got)
	}
}

func TestAnEncryptedServerMustBePinned(t *testing.T) {
	sim := shared
	sim.Set("Level", 1.5, telemetry.Good, time.Now())
	c := settings(sim.Endpoint())
	c.Security, c.Insecure, c.User, c.Password = opcua.Auto, false, "gw", "secret"
	fingerprint := opcua.Fingerprint(sim.Certificate())
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), "trust: "+fingerprint) {
		t.Errorf("without a pin: %v", err)
	}
	c.Trust = fingerprint
	got, err := read(t, open(t, c), point(1, opcuasim.NodeID("Level")))
	if err != nil || got[0].Value != telemetry.Float64(1.5) {
		t.Errorf("read %v, %v", got, err)
	}
	c.Trust = opcua.Fingerprint([]byte("another"))
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), "somebody stands in between") {
		t.Errorf("another certificate: %v", err)
	}
}
