package gateway

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// regions has three devices and the targets all, east (press) and west (mill); lathe goes to all only.
func regions(t *testing.T, extra string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := `version: 1
gateway: {id: plant7}
connections: {plc: {modbus: tcp, address: 127.0.0.1}}
devices:
  - {name: press, connection: plc, points: {x: {at: hr:1}}}
  - {name: mill, connection: plc, unit: 2, tags: {region: west}, points: {x: {at: hr:2}}}
  - {name: lathe, connection: plc, unit: 3, points: {x: {at: hr:3}}}
rules:
  - {name: hot, when: press.x > 5, alarm: {text: "hot"}}
  - {name: telling, when: press.x > 5, alarm: {text: "${mill.x}"}}
cloud:
  - {name: east, url: "mqtts://east", only: [press]}
  - {name: west, url: "mqtts://west", only: ["tag:region=w*"]}
` + extra
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, report := config.Load(file, []adapters.Kind{modbus.Kind()})
	if cfg == nil {
		t.Fatal(report)
	}
	return cfg
}

const everything = `  - {name: all, url: "mqtts://all"}` + "\n"

const east, west, all buffer.Audience = 1, 2, 4

func TestWhoIsToldOfWhat(t *testing.T) {
	with, without := newAudience(regions(t, everything)), newAudience(regions(t, ""))
	for point, want := range map[string][2]buffer.Audience{
		"press.x": {east | all, east}, "mill.x": {west | all, west}, "lathe.x": {all, 0}, "gone.x": {all, 0},
	} {
		for i, a := range []*audience{with, without} {
			if to, anyone := a.name(point); to != want[i] || anyone != (want[i] != 0) {
				t.Errorf("%s: %b, %v; want %b", point, to, anyone, want[i])
			}
		}
	}
	for _, c := range []struct {
		alarm, thing string
		want         [2]buffer.Audience
	}{
		{"hot", "plant7:press", [2]buffer.Audience{east | all, east}},
		{"telling", "plant7:press", [2]buffer.Audience{all, 0}}, // its text tells of the mill
		{"retired", "plant7:mill", [2]buffer.Audience{west | all, west}},
		{"retired", "plant7", [2]buffer.Audience{all, 0}},
	} {
		for i, a := range []*audience{with, without} {
			if to, anyone := a.alarm(wire.AlarmEvent{Alarm: c.alarm, Thing: c.thing}); to != c.want[i] || anyone != (c.want[i] != 0) {
				t.Errorf("alarm %s of %s: %b, %v; want %b", c.alarm, c.thing, to, anyone, c.want[i])
			}
		}
	}
	none := &audience{cfg: &config.Config{}}
	if to, anyone := none.name("press.x"); to != 0 || !anyone {
		t.Errorf("without targets: %b, %v; want everything kept for who may come", to, anyone)
	}
}

// mixed is a block as it was sealed when nobody asked whose it is.
func mixed(t *testing.T) []byte {
	t.Helper()
	var samples []telemetry.Sample
	for i := range 30 {
		samples = append(samples, telemetry.Sample{Point: telemetry.PointID(i % 3), Time: int64(i), Value: telemetry.Int64(int64(i))})
	}
	block, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, []string{"press.x", "mill.x", "lathe.x"}, samples)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// named counts the samples of each point in a block.
func named(t *testing.T, block []byte) map[string]int {
	t.Helper()
	seen := map[string]int{}
	if err := wire.NewDecoder().Decode(block, func(name string, _ telemetry.Sample) bool { seen[name]++; return true }); err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestAJournalIsPartedByWhoIsToldOfIt(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	recs := leftovers([][]byte{mixed(t), []byte("of another version")}, newAudience(regions(t, everything)), log)
	got := map[buffer.Audience]map[string]int{}
	for _, r := range recs[:3] {
		got[r.For] = named(t, r.Data)
	}
	want := map[buffer.Audience]map[string]int{east | all: {"press.x": 10}, west | all: {"mill.x": 10}, all: {"lathe.x": 10}}
	if !reflect.DeepEqual(got, want) || len(recs) != 4 || recs[3].For != all || string(recs[3].Data) != "of another version" {
		t.Errorf("parted into %v and %d records", got, len(recs))
	}
	if recs := leftovers([][]byte{[]byte("of another version")}, newAudience(regions(t, "")), log); len(recs) != 0 {
		t.Errorf("nobody is told of everything, and %+v go out", recs)
	}
}

func TestABlockIsLookedAtOnceMoreBeforeItLeaves(t *testing.T) {
	cfg := regions(t, everything)
	f := &filter{cfg.Cloud[0], newAudience(cfg)}
	b, err := f.block(uplink.Block{Seq: 7, Samples: 30, Data: mixed(t)})
	if got := named(t, b.Data); err != nil || b.Samples != 10 || b.Seq != 7 || !reflect.DeepEqual(got, map[string]int{"press.x": 10}) {
		t.Errorf("%v: block %d of %d samples, %v", err, b.Seq, b.Samples, got)
	}
	again, err := f.block(b)
	if err != nil || string(again.Data) != string(b.Data) {
		t.Errorf("%v: what may go is changed", err)
	}
	for what, data := range map[string][]byte{"nothing of it": block(t, "mill.x"), "garbage": []byte("garbage")} {
		if _, err := f.block(uplink.Block{Data: data, Samples: 1}); !errors.Is(err, uplink.ErrNotUnderstood) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAnAlarmIsLookedAtOnceMoreToo(t *testing.T) {
	cfg := regions(t, everything)
	f := &filter{cfg.Cloud[0], newAudience(cfg)}
	event := func(alarm, thing string) wire.AlarmEvent {
		return wire.AlarmEvent{Thing: thing, Alarm: alarm, Sequence: 1, Kind: "raised", From: "normal", To: "unacknowledged", Time: time.Unix(1e9, 0).UTC()}
	}
	own, others := event("hot", "plant7:press"), event("telling", "plant7:press")
	for _, c := range []struct{ in, out []wire.AlarmEvent }{
		{[]wire.AlarmEvent{own, own}, []wire.AlarmEvent{own, own}}, {[]wire.AlarmEvent{others, own}, []wire.AlarmEvent{own}}, {[]wire.AlarmEvent{others}, nil},
	} {
		data, _, err := wire.EncodeAlarms(c.in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.alarms(uplink.Block{Data: data})
		if c.out == nil {
			if !errors.Is(err, uplink.ErrNotUnderstood) {
				t.Errorf("what is for others passes: %v", err)
			}
			continue
		}
		if got, bad := wire.DecodeAlarms(b.Data); err != nil || bad != nil || !reflect.DeepEqual(got, c.out) {
			t.Errorf("%v, %v: %+v passes", err, bad, got)
		}
	}
}

func block(t *testing.T, name string) []byte {
	t.Helper()
	data, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, []string{name}, []telemetry.Sample{{Time: 1, Value: telemetry.Int64(1)}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestWhatWasInDoubtStaysSoWhenItIsParted: the parts bear the stamp, and their samples the quality they were read with.
func TestWhatWasInDoubtStaysSoWhenItIsParted(t *testing.T) {
	stamp := wire.Stamp{Boot: wire.Boot{1}, Doubt: 2, Offset: 3}
	block, err := wire.Doubt(mixed(t), stamp)
	if err != nil {
		t.Fatal(err)
	}
	recs := leftovers([][]byte{block}, newAudience(regions(t, everything)), slog.New(slog.DiscardHandler))
	if len(recs) != 3 {
		t.Fatalf("parted into %d records, want 3", len(recs))
	}
	for _, r := range recs {
		if sum, err := wire.Peek(r.Data); err != nil || sum.Stamp != stamp || sum.Samples != 10 {
			t.Errorf("a part says %+v, %v", sum, err)
		}
		right, err := wire.Settle(r.Data, stamp.Offset+1000)
		if err != nil {
			t.Fatal(err)
		}
		err = wire.NewDecoder().Decode(right, func(name string, s telemetry.Sample) bool {
			if !s.Quality.IsGood() || s.Time < 1000 || s.Time >= 1030 {
				t.Errorf("%s is %+v when it is put right", name, s)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
