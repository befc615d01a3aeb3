package rule_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/cloud/rule"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, runChild(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// TestRE1_BasicIngest: what is sent to a rule by name is seen by that rule alone, with the topic behind the name.
func TestRE1_BasicIngest(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("nameless", "SELECT t, topic() AS topic", republish("out/nameless"))
	p.rule("other", "SELECT t FROM 'a/#'", republish("out/other"))
	p.rule("picky", "SELECT t FROM 'a/b'", republish("out/picky"))
	p.send("$aws/rules/nameless/a/b", `{"t":1}`)
	p.send("$aws/rules/picky/a/b", `{"t":2}`)
	p.send("$aws/rules/picky/else", `{"t":3}`)
	p.send("$aws/rules/nobody/a/b", `{"t":4}`)
	p.settled()
	p.gets(`out/nameless {"t":1,"topic":"a/b"}`, `out/picky {"t":2}`)
	if n := p.RuleNotFound(); n != 1 {
		t.Errorf("%d messages went to no rule, want 1", n)
	}
}

// TestRE13_TemplatesSeeTheMessageAsItCame: not what SELECT made of it.
func TestRE13_TemplatesSeeTheMessageAsItCame(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("hot", "SELECT temp * 2 AS temp FROM 'plant/+/temp'", republish("out/${topic(2)}/${temp}/${upper(unit)}"))
	p.rule("odd", "SELECT 1 AS one FROM 'plant/+/temp'", republish("${nothing}"), republish("out/odd"))
	p.send("plant/press/temp", `{"temp":21,"unit":"c"}`)
	p.gets(`out/press/21/C {"temp":42}`, `out/odd {"one":1}`)
	p.settled()
	if got := p.deaths("odd"); len(got) != 1 || !strings.Contains(got[0], `topic: "${nothing}" gives nothing`) {
		t.Errorf("of odd failed %q", got)
	}
}

// TestRE14_Republish: properties go along, $$ stands for $, and what cannot be published is not tried for ever.
func TestRE14_Republish(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.refuse = func(m rule.Publication) error {
		if m.Topic == "forbidden" {
			return fmt.Errorf("nobody may: %w", cloud.ErrInvalid)
		}
		return nil
	}
	p.rule("desire", "SELECT state FROM 'press/want'", `{"republish":{"roleArn":"arn:x","topic":"$$aws/things/${topic(1)}/shadow/update","qos":1,
		"headers":{"contentType":"application/json","payloadFormatIndicator":"UTF8_DATA","correlationData":"aGk=","messageExpiry":"60","userProperties":[{"key":"by","value":"${clientid()}"}]}}}`,
		republish("forbidden"))
	p.send("press/want", `{"state":{"desired":{"speed":80}}}`)
	p.gets(`$aws/things/press/shadow/update {"state":{"desired":{"speed":80}}}`)
	m := p.published[0]
	key := m.User[len(m.User)-1]
	if m.QoS != 1 || m.ContentType != "application/json" || !m.Text || string(m.Correlation) != "hi" || m.Expires != time.Minute || m.Rule != "desire" ||
		m.User[0] != [2]string{"by", "press-1"} || m.User[1] != [2]string{rule.PropHops, "1"} || key[0] != rule.PropKey || !strings.HasSuffix(key[1], ":desire:0") {
		t.Errorf("published %+v", m)
	}
	p.settled()
	if got := p.deaths("desire"); !slices.Equal(got, []string{"republish 1 tries: nobody may: not possible"}) {
		t.Errorf("failed %q", got)
	}
}

// TestRE14_Store: rows become samples of a thing, each once.
func TestRE14_Store(t *testing.T) {
	t.Parallel()
	live := make(chan cloud.Live, 10)
	p := newPlant(t, func(o *rule.Options) { o.Tell = func(l cloud.Live) { live <- l } })
	p.rule("power", "SELECT u * i AS value, u FROM 'dt/plant7/meter'", `{"store":{"point":"meter.power"}}`, `{"store":{"thing":"nobody","point":"x"}}`)
	p.rule("double", "SELECT VALUE value * 2 FROM 'dt/+/press/temp'", `{"store":{"thing":"${topic(2)}","point":"press.${topic(4)}_double"}}`)
	p.send("dt/plant7/meter", `{"u":230,"i":2}`)
	at := time.Unix(1_700_000_000, 0)
	p.block(at, map[string]float64{"press.temp": 21, "press.speed": 3})
	p.settled()
	want := map[string]string{"meter.power": "460", "meter.power.u": "230", "press.temp_double": "42"}
	for point, value := range want {
		n := 0
		p.must(p.store.Range(t.Context(), cloud.Query{Thing: "plant7", Point: point}, func(s telemetry.Sample) bool {
			n++
			if s.Value.String() != value || point == "press.temp_double" && s.Time != at.UnixNano() {
				t.Errorf("%s is %v at %d", point, s.Value, s.Time)
			}
			return true
		}))
		if n != 1 {
			t.Errorf("%s has %d samples, want 1", point, n)
		}
	}
	if got := p.deaths("power"); len(got) != 1 || !strings.Contains(got[0], "nobody") {
		t.Errorf("failed %q", got)
	}
	if l := <-live; l.Thing != "plant7" || len(l.Samples) == 0 {
		t.Errorf("those who watch were told %+v", l)
	}
}

// TestRE14_Alarm: with the words of the message.
func TestRE14_Alarm(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("hot", "SELECT * FROM 'dt/+/+/oil_temp' WHERE value > 85",
		`{"alarm":{"thing":"${topic(2)}:${topic(3)}","name":"oil_hot","severity":"high","text":"Oil at ${value} ${unit}"}}`, `{"alarm":{"name":"any"}}`)
	p.must(p.store.SetBirth(t.Context(), "plant7", []byte(`{"gateway":"plant7","devices":[{"name":"press","points":[{"name":"oil_temp","unit":"°C"}]}]}`)))
	at := time.Unix(1_700_000_000, 0)
	p.block(at, map[string]float64{"press.oil_temp": 80})
	p.block(at, map[string]float64{"press.oil_temp": 91.5, "press.speed": 99})
	p.settled()
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortFunc(p.raised, func(a, b rule.Alarm) int { return strings.Compare(a.Name, b.Name) })
	if len(p.raised) != 2 || p.raised[0].Thing != "plant7" || p.raised[0].Severity != 0 {
		t.Fatalf("raised %+v", p.raised)
	}
	if a := p.raised[1]; a.Thing != "plant7:press" || a.Severity.String() != "high" || a.Text != "Oil at 91.5 °C" || !a.Time.Equal(at) || a.Rule != "hot" {
		t.Errorf("raised %+v", a)
	}
}

// TestRE17_EveryRuleFiresOnce: several rules on one topic, and one message is seen once by each.
func TestRE17_EveryRuleFiresOnce(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	for i := range 5 {
		p.rule(fmt.Sprint("r", i), "SELECT t FROM 'in/+'", republish(fmt.Sprint("out/", i)))
	}
	var want []string
	for n := range 20 {
		p.send("in/x", fmt.Sprintf(`{"t":%d}`, n))
		for i := range 5 {
			want = append(want, fmt.Sprintf(`out/%d {"t":%d}`, i, n))
		}
	}
	p.settled()
	p.gets(want...)
	for i := range 5 { // in order
		var got []string
		for _, m := range p.messages() {
			if strings.HasPrefix(m, fmt.Sprintf("out/%d ", i)) {
				got = append(got, m)
			}
		}
		for n, m := range got {
			if m != fmt.Sprintf(`out/%d {"t":%d}`, i, n) {
				t.Fatalf("message %d of rule %d is %s", n, i, m)
			}
		}
	}
}

// TestRE17_LoopsEnd: rules that feed each other, or one that feeds itself by way of a client, stop by themselves.
func TestRE17_LoopsEnd(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("ping", "SELECT * FROM 'ping'", republish("pong"))
	p.rule("pong", "SELECT * FROM 'pong'", republish("ping"))
	p.send("ping", `{"t":1}`)
	p.settled()
	p.gets(`pong {"t":1}`, `ping {"t":1}`, `pong {"t":1}`, `ping {"t":1}`)
	back := cloud.InboxItem{Topic: "ping", Payload: []byte("{}"), Received: time.Now(), User: [][2]string{{rule.PropHops, "4"}}}
	p.must(p.Take(t.Context(), back))
	p.settled()
	if n := len(p.messages()); n != 4 {
		t.Errorf("%d messages", n)
	}
	if c := p.Stats()["ping"]; c.RuleMessageThrottled != 2 || c.Failure["republish"] != 2 {
		t.Errorf("counted %+v", c)
	}
}

// TestRE18_ParseErrorIsCounted: a payload that is no JSON, where the statement asks for a field; * takes it as it is.
func TestRE18_ParseErrorIsCounted(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("field", "SELECT t FROM 'in'", republish("out/field"))
	p.rule("all", "SELECT * FROM 'in'", republish("out/all"))
	p.send("in", "21.5 degrees")
	p.send("in", `{"t":1}`)
	p.settled()
	p.gets("out/all 21.5 degrees", `out/all {"t":1}`, `out/field {"t":1}`)
	if c := p.Stats()["field"]; c.ParseError != 1 || c.TopicMatch != 2 || c.RulesExecuted != 1 || c.Success["republish"] != 1 {
		t.Errorf("counted %+v", c)
	}
}

// TestWindowsSurvive: a window that was open when the server stopped goes on.
func TestWindowsSurvive(t *testing.T) {
	t.Parallel()
	p := newPlant(t, func(o *rule.Options) { o.Late = time.Hour })
	p.rule("mean", "SELECT avg(value) AS mean, count(*) AS n FROM 'dt/plant7/press/temp' GROUP BY COUNTWINDOW(4)", republish("out"))
	for i := range 2 {
		p.block(time.Now(), map[string]float64{"press.temp": float64(i)})
	}
	p.settled()
	p.end()
	p.start()
	for i := range 2 {
		p.block(time.Now(), map[string]float64{"press.temp": float64(2 + i)})
	}
	p.gets(`out {"mean":1.5,"n":4}`)
}

// TestWindowsEndByThemselves: without another message.
func TestWindowsEndByThemselves(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("sum", "SELECT sum(t) AS sum FROM 'in' GROUP BY TUMBLINGWINDOW(ms, 50)", republish("out/${sum}"))
	p.send("in", `{"t":7}`)
	p.gets(`out/7 {"sum":7}`)
}
