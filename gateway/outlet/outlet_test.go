package outlet_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/outlet"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

func block(t testing.TB, names []string, samples ...telemetry.Sample) []byte {
	t.Helper()
	data, err := wire.NewEncoder(wire.Balanced).AppendBlock(nil, names, samples)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newOutlet(topic config.Topic) *outlet.Outlet {
	return &outlet.Outlet{Gateway: "plant7", Site: "hall-B", Topic: topic, Unit: func(p string) string { return map[string]string{"press.temp": "°C"}[p] }}
}

// said is a message as a stranger reads it.
type said struct {
	Gateway, Epoch string
	Seq            uint64
	Samples        []map[string]any
}

func read(t testing.TB, m outlet.Message) (s said) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, &s); err != nil {
		t.Fatalf("%s: %v", m.Payload, err)
	}
	return s
}

func TestWhatAStrangerReads(t *testing.T) {
	data := block(t, []string{"press.temp", "press.state", "mill.temp"},
		telemetry.Sample{Point: 0, Time: 1_772_352_000_123_456_789, Value: telemetry.Float64(21.5)},
		telemetry.Sample{Point: 1, Time: 1_772_352_000_000_000_000, Quality: telemetry.BadTimeout},
		telemetry.Sample{Point: 2, Time: 1_772_352_001_000_000_000, Value: telemetry.Float64(math.NaN())},
	)
	list, err := newOutlet("{site}/{gateway}/{device}").Messages(data, outlet.Place{Epoch: "E", Seq: 7}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range list {
		got[m.Topic] = string(m.Payload)
	}
	want := map[string]string{
		"hall-B/plant7/press": `{"gateway":"plant7","epoch":"E","seq":7,"samples":[` +
			`{"device":"press","point":"state","ts":"2026-03-01T08:00:00Z","value":null,"quality":"` + telemetry.BadTimeout.String() + `"},` +
			`{"device":"press","point":"temp","ts":"2026-03-01T08:00:00.123456789Z","value":21.5,"quality":"good","unit":"°C"}]}`,
		"hall-B/plant7/mill": `{"gateway":"plant7","epoch":"E","seq":7,"samples":[{"device":"mill","point":"temp","ts":"2026-03-01T08:00:01Z","value":"NaN","quality":"good"}]}`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// plant is a block of many samples with texts among them.
func plant(t testing.TB, n int) []byte {
	names := make([]string, 10)
	for i := range names {
		names[i] = fmt.Sprintf("press.p%d", i)
	}
	var samples []telemetry.Sample
	for i := range n {
		s := telemetry.Sample{Point: telemetry.PointID(i % 10), Time: int64(i), Value: telemetry.Float64(math.Sin(float64(i)))}
		if i%100 == 9 {
			s.Value = telemetry.String(fmt.Sprint(i, strings.Repeat("\x01", i)))
		}
		samples = append(samples, s)
	}
	return block(t, names, samples...)
}

func TestNothingIsLargerThanTheBrokerTakes(t *testing.T) {
	for what, c := range map[string]struct {
		topic        config.Topic
		block        bool
		limits       outlet.Limits
		limit, least int
	}{
		"AWS":                  {"a/{device}", false, outlet.AWS, 0, 5},
		"AWS, a message each":  {"a/{device}/{point}", false, outlet.AWS, 0, 10},
		"the broker says less": {"a/{device}", false, outlet.AWS, 20_000, 20},
		"blocks":               {"a", true, outlet.AWS, 5_000, 3},
	} {
		o := newOutlet(c.topic)
		o.Block, o.Limits = c.block, c.limits
		list, err := o.Messages(plant(t, 5000), outlet.Place{Epoch: "E", Seq: 1}, c.limit)
		if err != nil || len(list) < c.least {
			t.Errorf("%s: %d messages, %v", what, len(list), err)
		}
		most, total, said := 128_000, 0, 0
		if c.limit > 0 {
			most = c.limit
		}
		for _, m := range list {
			if len(m.Payload) > most {
				t.Errorf("%s: a message of %d bytes", what, len(m.Payload))
			}
			total += m.Samples
			if c.block {
				sum, err := wire.Peek(m.Payload)
				said += sum.Samples
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			} else {
				said += len(read(t, m).Samples)
			}
		}
		if total != 5000 || said != 5000 {
			t.Errorf("%s: %d samples are said to be in them, and %d are", what, total, said)
		}
	}
}

func TestATextThatIsTooLongCostsItselfOnly(t *testing.T) {
	o := newOutlet("a/{device}")
	o.Limits = outlet.AWS
	data := block(t, []string{"press.a", "press.b"},
		telemetry.Sample{Point: 0, Time: 1, Value: telemetry.String(strings.Repeat("\x01", wire.MaxText))}, telemetry.Sample{Point: 1, Time: 1, Value: telemetry.Int64(7)})
	list, err := o.Messages(data, outlet.Place{}, 0)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	got := read(t, list[0]).Samples
	if got[0]["value"] != nil || got[0]["quality"] != telemetry.BadOutOfRange.String() || got[1]["value"] != 7.0 {
		t.Errorf("%v", got)
	}
}

// TestThePaceOfAWS: in no second are there more than 100 messages or 512 kB.
func TestThePaceOfAWS(t *testing.T) {
	for _, size := range []int{100, 20_000, 128_000} {
		synctest.Test(t, func(t *testing.T) {
			bytes, messages := outlet.AWS.Pace()
			var sent []time.Time
			for range 500 {
				if err := messages.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := bytes.WaitN(t.Context(), size); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, time.Now())
			}
			for i, first := 0, 0; i < len(sent); i++ {
				for sent[i].Sub(sent[first]) >= time.Second {
					first++
				}
				if n := i - first + 1; n > 100 || n*size > 512_000 {
					t.Fatalf("%d messages of %d bytes within a second", n, size)
				}
			}
			if took := sent[len(sent)-1].Sub(sent[0]).Seconds(); 500*float64(size)/took < 300_000 && 500/took < 80 {
				t.Errorf("messages of %d bytes: %.0f a second", size, 500/took)
			}
		})
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(plant(f, 100), 1000, false)
	f.Add(plant(f, 100), 300, true)
	f.Fuzz(func(t *testing.T, data []byte, limit int, asBlock bool) {
		o := newOutlet("a/{device}/{point}")
		o.Block = asBlock
		list, err := o.Messages(data, outlet.Place{Epoch: "E", Seq: 1}, max(200, limit%100_000))
		if err != nil {
			return
		}
		total := 0
		for _, m := range list {
			total += m.Samples
		}
		if sum, err := wire.Peek(data); err != nil || total != sum.Samples {
			t.Fatalf("%d of %d samples, %v", total, sum.Samples, err)
		}
	})
}
