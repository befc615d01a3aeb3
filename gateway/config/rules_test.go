package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const press = head + `exec: [/usr/local/bin/horn]
devices:
  - name: press
    connection: plc
    points:
      oil_temp: {at: hr:100, unit: °C}
      force:    {at: hr:102, range: 0..2500, access: rw}
      start:    {at: co:16, access: rw}
`

func TestARuleHasWhatItsKeysSay(t *testing.T) {
	cfg := load(t, "gateway.yaml", press+`rules:
  - name: oil_hot
    when: press.oil_temp > 85
    for: 10s
    until: press.oil_temp < 80
    every: 1m
    alarm: {severity: high, text: "Oil ${press.oil_temp} °C", on_delay: 1s, off_delay: 2s, latch: true, escalate: [{after: 10m, severity: critical}], re_alarm: 8h}
    set: {hall.hot: true, hall.double: "${press.oil_temp * 2}"}
    write: {press.start: false}
    publish: {topic: alerts/oil, payload: "${press.oil_temp}"}
    scan: {points: ["press.*", hall.hot], rate: 200ms, for: 1m}
    exec: {command: [/usr/local/bin/horn, "${press.oil_temp}"]}
    end: {set: {hall.hot: false}}
  - {name: average, sql: "SELECT avg(value) AS value FROM 'press/oil_temp' GROUP BY SLIDINGWINDOW(ss, 10)", set: hall.oil, publish: {topic: oil}}
`)
	id := func(name string) telemetry.PointID { return point(t, cfg, name).ID }
	hot := config.Rule{
		Name: "oil_hot", When: "press.oil_temp > 85", For: 10 * time.Second, Until: "press.oil_temp < 80", Every: time.Minute,
		Do: config.Actions{
			Set:     []config.Assignment{{Point: id("hall.hot"), Value: "true"}, {Point: id("hall.double"), Value: "${press.oil_temp * 2}"}},
			Write:   []config.Assignment{{Point: id("press.start"), Value: "false"}},
			Publish: &config.Publish{Topic: "alerts/oil", Payload: "${press.oil_temp}"},
			Scan:    &config.Hurry{Points: []telemetry.PointID{id("press.oil_temp"), id("press.force"), id("press.start")}, Scan: 200 * time.Millisecond, For: time.Minute},
			Exec:    &config.Exec{Command: []string{"/usr/local/bin/horn", "${press.oil_temp}"}, Timeout: 10 * time.Second},
		},
		End: config.Actions{Set: []config.Assignment{{Point: id("hall.hot"), Value: "false"}}},
		Alarm: &config.Alarm{Text: "Oil ${press.oil_temp} °C", Config: alarm.Config{
			Severity: alarm.High, OnDelay: time.Second, OffDelay: 2 * time.Second, Latch: true,
			Escalate: []alarm.Escalation{{After: 10 * time.Minute, Severity: alarm.Critical}}, ReAlarm: 8 * time.Hour,
		}},
	}
	average := config.Rule{Name: "average", SQL: "SELECT avg(value) AS value FROM 'press/oil_temp' GROUP BY SLIDINGWINDOW(ss, 10)", Do: config.Actions{
		Set: []config.Assignment{{Point: id("hall.oil"), Value: "${value}"}}, Publish: &config.Publish{Topic: "oil"},
	}}
	for i, want := range []config.Rule{hot, average} {
		if !reflect.DeepEqual(cfg.Rules[i], want) {
			t.Errorf("got  %+v\nwant %+v", cfg.Rules[i], want)
		}
	}
	if !reflect.DeepEqual(cfg.Exec, []string{"/usr/local/bin/horn"}) {
		t.Errorf("the list of programs is %v", cfg.Exec)
	}
}

func TestPointsThatRulesSetAreVirtual(t *testing.T) {
	cfg := load(t, "gateway.yaml", press+`  - name: hall
    tags: {area: a}
    points: {hot: {unit: °C, deadband: 0.5}}
rules:
  - {name: a, when: press.oil_temp > 85, set: {hall.hot: 1, hall.more: 2, office.x: 3}}
  - {name: b, when: hall.more > 1 AND office.x > 2, alarm: {text: "${hall.more}"}}
`)
	if len(cfg.Virtual) != 2 || cfg.Virtual[0].Name != "hall" || cfg.Virtual[0].Tags["area"] != "a" || len(cfg.Virtual[0].Points) != 2 || cfg.Virtual[1].Name != "office" {
		t.Fatalf("the virtual devices are %+v", cfg.Virtual)
	}
	for _, name := range []string{"hall.hot", "hall.more", "office.x"} {
		p := point(t, cfg, name)
		if !p.Virtual() || p.Spec.String() != "set by rule a" || !p.Spec.Pushed() || p.Spec.Writable() == nil || p.Scan != 0 || p.Access != config.ReadOnly || p.Heartbeat != config.DefaultHeartbeat {
			t.Errorf("%s is %+v with %s", name, p, p.Spec)
		}
	}
	if p := point(t, cfg, "hall.hot"); p.Unit != "°C" || p.Deadband.Absolute != 0.5 {
		t.Errorf("hot is %+v", p)
	}
	if point(t, cfg, "press.force").Virtual() || len(cfg.Connections[0].Devices) != 1 {
		t.Error("a point of the press is virtual")
	}
}

func TestAGuardStandsBeforeWrites(t *testing.T) {
	cfg := load(t, "gateway.yaml", head+`devices:
  - name: press
    connection: plc
    template: machine
    points:
      force: {guard: {step: 10}}
      plain: {at: hr:3}
      alarms: {at: hr:4, access: rw, bits: {0: oil_low}, guard: {every: 5s, step: 1, interlock: press.plain = 1}}
`, "templates/machine.yaml", `points:
  force: {at: hr:1, access: rw, guard: {interlock: NOT press.start, every: 2s, tolerance: 0.1, ttl: 5m}}
  start: {at: co:16, access: rw}
`)
	for name, want := range map[string]config.Guard{
		"press.force":   {Interlock: "NOT press.start", Every: 2 * time.Second, Step: 10, Tolerance: 0.1, TTL: 5 * time.Minute},
		"press.start":   {TTL: config.DefaultTTL},
		"press.plain":   {},
		"press.alarms":  {Every: 5 * time.Second, Step: 1, Interlock: "press.plain = 1", TTL: config.DefaultTTL},
		"press.oil_low": {Every: 5 * time.Second, Interlock: "press.plain = 1", TTL: config.DefaultTTL},
	} {
		if got := point(t, cfg, name).Guard; got != want {
			t.Errorf("%s has the guard %+v, want %+v", name, got, want)
		}
	}
}

func TestACloudMayWriteWhatIsListed(t *testing.T) {
	targets := func(keys string) config.Target {
		return load(t, "gateway.yaml", press+"cloud: [{url: \"mqtts://iot.example.com\", "+keys+"}]\n").Cloud[0]
	}
	all := []telemetry.PointID{0, 1, 2}
	for keys, want := range map[string]config.Target{
		"shadow: [press.start, \"press.*\"]":     {Shadow: all[1:], Report: all[1:]},
		"shadow: [press.force], report: []":      {Shadow: all[1:2], Report: nil},
		"shadow: [press.force], report: [\"*\"]": {Shadow: all[1:2], Report: all},
		"commands: [press.start]":                {Commands: all[2:]},
		"report: [press.oil_temp]":               {Report: all[:1]},
	} {
		if got := targets(keys); !reflect.DeepEqual(got.Shadow, want.Shadow) || !reflect.DeepEqual(got.Report, want.Report) || !reflect.DeepEqual(got.Commands, want.Commands) {
			t.Errorf("%s: got %+v", keys, got)
		}
	}
}

// TestAnExpressionIsNoVariable: inside rules ${value} is a field of a row, outside a variable of the environment.
func TestAnExpressionIsNoVariable(t *testing.T) {
	loader := config.Loader{Kinds: fakeKinds(), Getenv: func(name string) (string, bool) { return "p7", name == "ID" }}
	cfg, report := loader.Load(write(t, "gateway.yaml", press+`rules:
  - {name: a, sql: SELECT value FROM 'press/oil_temp', set: {hall.x: "${value}"}, publish: {topic: "${ID}", payload: "${value}"}}
gateway: {id: "${ID}"}
`))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if do := cfg.Rules[0].Do; cfg.Gateway.ID != "p7" || do.Publish.Topic != "${ID}" || do.Set[0].Value != "${value}" {
		t.Errorf("the gateway is %s, the rule does %+v", cfg.Gateway.ID, do)
	}
}

func TestRulesOfIncludedFilesAreMerged(t *testing.T) {
	cfg := load(t, "gateway.yaml", press+"include: [conf.d/*.yaml]\nrules: [{name: a, when: press.oil_temp > 1, alarm: {text: x}}]\n",
		"conf.d/a.yaml", "exec: [/bin/true]\nrules: [{name: b, when: press.oil_temp > 2, exec: {command: [/bin/true]}}]\n")
	if len(cfg.Rules) != 2 || cfg.Rules[1].Name != "b" || len(cfg.Exec) != 2 {
		t.Errorf("the rules are %+v, the programs %v", cfg.Rules, cfg.Exec)
	}
	path := write(t, "gateway.yaml", press+"include: [conf.d/*.yaml]\nrules: [{name: a, when: press.oil_temp > 1, alarm: {text: x}}]\n",
		"conf.d/a.yaml", "rules: [{name: a, when: press.oil_tmp > 2, alarm: {text: x}}]\n")
	_, report := config.Load(path, fakeKinds())
	if text := report.String(); report.Errors() != 2 || !strings.Contains(text, "conf.d/a.yaml:1:16: error: rule a is defined twice, first at") || !strings.Contains(text, "conf.d/a.yaml:1:25: error: when of rule a: there is no point press.oil_tmp") {
		t.Errorf("it says\n%s", text)
	}
}

func TestTooManyRulesAreRefused(t *testing.T) {
	var y strings.Builder
	y.WriteString(press + "rules:\n")
	for i := range 2001 {
		fmt.Fprintf(&y, "  - {name: a%d, when: press.oil_temp > 1, alarm: {text: x}}\n", i)
	}
	if _, report := config.Load(write(t, "gateway.yaml", y.String()), fakeKinds()); !strings.Contains(report.String(), "more than 2000 rules") {
		t.Error(report)
	}
}
