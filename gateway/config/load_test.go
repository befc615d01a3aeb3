package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
)

// write puts files into a temporary folder and gives the first one's path.
func write(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, files[0])
}

func load(t testing.TB, files ...string) *config.Config {
	t.Helper()
	cfg, report := config.Load(write(t, files...), fakeKinds())
	if err := report.Err(); err != nil {
		t.Fatalf("a good file has mistakes:\n%v", err)
	}
	return cfg
}

const head = "version: 1\nconnections:\n  plc: {modbus: tcp, address: \"10.0.0.1:502\"}\n"

func point(t testing.TB, cfg *config.Config, name string) config.Point {
	t.Helper()
	for i, p := range cfg.Points {
		if int(p.ID) != i {
			t.Fatalf("point %s has the ID %d in place %d", p.FullName(), p.ID, i)
		}
		if p.FullName() == name {
			return p
		}
	}
	t.Fatalf("there is no point %s", name)
	return config.Point{}
}

func TestAPointHasWhatItsLayersSay(t *testing.T) {
	cfg := load(t, "gateway.yaml", head+`scan: {fast: 200ms, normal: 2s}
devices:
  - name: press
    connection: plc
    order: CDAB
    heartbeat: 1m
    points:
      oil_temp: {at: hr:100, type: int16, scale: 0.1, unit: °C, deadband: 0.5}
      force:    {at: hr:102, type: float32, unit: kN, scan: fast, deadband: 1%, range: 0..2500}
      start:    {at: co:16, access: rw, heartbeat: 5s}
      state:    {at: hr:120, enum: {0: stopped, 9: fault}}
      alarms:   {at: hr:121, bits: {0: oil_low, 7: overload}}
      every:    {at: hr:130, deadband: 0, scan: 30s}
`)
	force := point(t, cfg, "press.force")
	if force.Scan != 200*time.Millisecond || force.Deadband.Percent != 1 || *force.Range != (config.Range{Min: 0, Max: 2500}) || force.Unit != "kN" {
		t.Errorf("force is %+v", force)
	}
	oil := point(t, cfg, "press.oil_temp")
	if oil.Scan != 2*time.Second || oil.Deadband.Absolute != 0.5 || oil.Heartbeat != time.Minute || oil.Access != config.ReadOnly || oil.Range != nil {
		t.Errorf("oil_temp is %+v", oil)
	}
	if p := point(t, cfg, "press.start"); p.Access != config.ReadWrite || p.Heartbeat != 5*time.Second || p.Deadband != nil {
		t.Errorf("start is %+v", p)
	}
	if p := point(t, cfg, "press.state"); !reflect.DeepEqual(p.Enum, map[int64]string{0: "stopped", 9: "fault"}) {
		t.Errorf("the enum of state is %v", p.Enum)
	}
	if p := point(t, cfg, "press.every"); p.Deadband == nil || *p.Deadband != (config.Deadband{}) || p.Scan != 30*time.Second {
		t.Errorf("every is %+v", p)
	}
	if p := point(t, cfg, "press.overload"); p.Spec.(*busSpec).Bit != 7 || p.Access != config.ReadOnly {
		t.Errorf("overload is %+v", p.Spec)
	}
	if got := oil.Spec.(*busSpec).order; got != "CDAB" {
		t.Errorf("oil_temp has the order %s, its device CDAB", got)
	}
}

func TestADeviceOverridesItsTemplate(t *testing.T) {
	cfg := load(t, "gateway.yaml", head+`devices:
  - name: meter_{unit:02}
    unit: 3..5
    connection: plc
    template: meter
    tags: {area: hall_b}
    order: BADC
    points:
      power: {deadband: 5, scan: 10s}
      extra: {at: hr:900}
`, "templates/meter.yaml", `template: meter
protocol: modbus
order: CDAB
scan: 5s
tags: {kind: energy, area: unknown}
points:
  power:  {at: ir:52, type: float32, unit: W, deadband: 1}
  energy: {at: ir:72, type: float32, unit: kWh}
`)
	devices := cfg.Connections[0].Devices
	if len(devices) != 3 || devices[2].Name != "meter_05" || devices[2].Settings.(*busDevice).Unit != 5 {
		t.Fatalf("3..5 gave %+v", devices)
	}
	if !reflect.DeepEqual(devices[0].Tags, map[string]string{"kind": "energy", "area": "hall_b"}) || devices[0].Template != "meter" {
		t.Errorf("meter_03 is %+v", devices[0])
	}
	power := point(t, cfg, "meter_04.power")
	spec := power.Spec.(*busSpec)
	if power.Deadband.Absolute != 5 || power.Unit != "W" || power.Scan != 10*time.Second || spec.Type != "float32" || spec.At.number != 52 || spec.order != "BADC" {
		t.Errorf("power is %+v with %+v", power, spec)
	}
	if p := point(t, cfg, "meter_05.energy"); p.Scan != 5*time.Second {
		t.Errorf("energy is read every %s, the template says 5s", p.Scan)
	}
	if len(cfg.Points) != 9 {
		t.Errorf("three meters of three points have %d", len(cfg.Points))
	}
}

func TestWhatIsNotSaidHasADefault(t *testing.T) {
	path := write(t, "gateway.yaml", "version: 1\ncloud: [{url: \"mqtts://iot.example.com\"}]\n")
	cfg, report := config.Load(path, fakeKinds())
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if cfg.Path != path || cfg.Gateway.ID == "" || cfg.Gateway.Timezone == nil || cfg.State != "/var/lib/penstock" || cfg.Scan["normal"] != time.Second {
		t.Errorf("got %+v", cfg)
	}
	if want := (config.Buffer{Path: "/var/lib/penstock/buffer", MaxSize: 8 << 30, Full: config.DropOldest, Flush: time.Second}); !reflect.DeepEqual(cfg.Buffer, want) {
		t.Errorf("the buffer is %+v", cfg.Buffer)
	}
	if cfg.Local.Web != "127.0.0.1:8470" {
		t.Errorf("the page is at %q", cfg.Local.Web)
	}
	main := cfg.Cloud[0]
	if main.Name != "main" || main.URL != "mqtts://iot.example.com:8883" || main.Send != 5*time.Second || main.Identity.Cert != "/var/lib/penstock/identity/main.crt" {
		t.Errorf("the target is %+v", main)
	}
}

func TestPathsAreRelativeToTheirFile(t *testing.T) {
	path := write(t, "gateway.yaml", "version: 1\nstate: state\ninclude: [conf.d/*.yaml]\nbuffer: {path: spool}\n",
		"conf.d/a.yaml", "connections:\n  plc: {modbus: tcp, address: \"a:1\", password_file: secret, user: u, trust: plc.der}\n  b: {modbus: tcp, address: \"a:1\", trust: \"sha256:00\"}\n")
	cfg, report := config.Load(path, fakeKinds())
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	c := cfg.Connections[0].Settings.(*busConnection)
	if cfg.State != filepath.Join(dir, "state") || cfg.Buffer.Path != filepath.Join(dir, "spool") ||
		c.PasswordFile != filepath.Join(dir, "conf.d/secret") || c.Trust != filepath.Join(dir, "conf.d/plc.der") {
		t.Errorf("paths: %s, %s, %s, %s", cfg.State, cfg.Buffer.Path, c.PasswordFile, c.Trust)
	}
	if got := cfg.Connections[1].Settings.(*busConnection).Trust; got != "sha256:00" {
		t.Errorf("a fingerprint became the file %s", got)
	}
}

func TestIncludedFilesAreOneSite(t *testing.T) {
	cfg := load(t, "gateway.yaml", head+"include: [\"conf.d/*.yaml\"]\ndevices:\n  - {name: a, connection: plc, points: {x: {at: hr:1}}}\n",
		"conf.d/20.yaml", "version: 1\ndevices:\n  - {name: c, connection: other, points: {x: {at: hr:1}}}\n",
		"conf.d/10.yaml", "connections: {other: {modbus: rtu, port: /dev/ttyS1}}\ndevices:\n  - {name: b, connection: other, points: {x: {at: hr:1}}, unit: 7}\nscan: {slow: 1m}\n")
	var names []string
	for _, p := range cfg.Points {
		names = append(names, p.FullName())
	}
	if got := strings.Join(names, " "); got != "a.x b.x c.x" || cfg.Scan["slow"] != time.Minute || len(cfg.Connections) != 2 {
		t.Errorf("got the points %s, the rates %v", got, cfg.Scan)
	}
}

func TestTheEnvironmentFillsVariables(t *testing.T) {
	loader := config.Loader{Kinds: fakeKinds(), Getenv: func(name string) (string, bool) {
		v, ok := map[string]string{"PLC": "10.9.8.7", "UNIT": "9", "PW": "s3cret"}[name]
		return v, ok
	}}
	path := write(t, "gateway.yaml", `version: 1
connections:
  plc: {modbus: tcp, address: "${PLC}:502", user: "$${PLC}", password: "${PW}"}
devices:
  - {name: a, connection: plc, unit: "${UNIT}", points: {x: {at: hr:1}}}
`)
	cfg, report := loader.Load(path)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	c := cfg.Connections[0].Settings.(*busConnection)
	if c.Address != "10.9.8.7:502" || c.User != "${PLC}" || c.Password != "s3cret" || cfg.Connections[0].Devices[0].Settings.(*busDevice).Unit != 9 {
		t.Errorf("got %+v", c)
	}
}

func TestAnInlineConnectionIsNamedAfterItsDevice(t *testing.T) {
	cfg := load(t, "gateway.yaml", "version: 1\ndevices:\n  - name: scale\n    connection: {talker: /dev/ttyS1}\n    points: {gross: {at: gross}}\n")
	c := cfg.Connections[0]
	if c.Name != "scale" || c.Kind != "talker" || len(c.Devices) != 1 || cfg.Points[0].Scan != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestAnchorsAndMergeKeysWork(t *testing.T) {
	cfg := load(t, "gateway.yaml", head+`devices:
  - name: a
    connection: plc
    points:
      x: &temp {at: hr:1, unit: °C, deadband: 0.5}
      y: {<<: *temp, at: hr:2}
`)
	if p := point(t, cfg, "a.y"); p.Unit != "°C" || p.Spec.String() != "hr:2" {
		t.Errorf("y is %+v", p)
	}
}

func TestGlobsMeanPoints(t *testing.T) {
	p := config.Point{}
	p.Device, p.Name = "meter_01", "power"
	for glob, want := range map[string]bool{"*": true, "meter_*.power": true, "*.energy": false, "press.*": false, "meter_01.power": true, "meter_01": false} {
		if p.Matches(glob) != want {
			t.Errorf("%s matches %s: want %v", glob, p.FullName(), want)
		}
	}
}

func TestADefaultIdentityIsWhereEnrolmentPutsIt(t *testing.T) {
	if id := config.DefaultIdentity("/s", "main"); id != (config.Identity{KeyFile: "/s/identity/main.key", Cert: "/s/identity/main.crt", CA: "/s/identity/main.ca"}) {
		t.Errorf("got %+v", id)
	}
}

func TestAReportIsJSON(t *testing.T) {
	_, report := config.Load(write(t, "gateway.yaml", "version: 1\nlocl: {}\n"), fakeKinds())
	out, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"mistakes":[{`, `"line":2,"col":1,"severity":"error"`, `"hint":"did you mean \"local\"?"`, `"excerpt":"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is not in %s", want, out)
		}
	}
}

func TestAGoodFilesReportIsAnEmptyList(t *testing.T) {
	_, report := config.Load(write(t, "gateway.yaml", "version: 1\n"), fakeKinds())
	if out, err := json.Marshal(report); err != nil || string(out) != `{"mistakes":[]}` {
		t.Errorf("%s, %v", out, err)
	}
}

func TestAFileThatIsNoneIsRefused(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 17<<20); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "gone.yaml"): "there is no file",
		dir:                             "this is no regular file",
		big:                             "bigger than 16 MiB",
	} {
		if _, report := config.Load(path, fakeKinds()); report.Errors() != 1 || !strings.Contains(report.String(), want) {
			t.Errorf("%s: %s", path, report)
		}
	}
}

func TestALongReportEnds(t *testing.T) {
	var y strings.Builder
	y.WriteString(head + "devices:\n  - name: a\n    connection: plc\n    points:\n")
	for i := range 2000 {
		fmt.Fprintf(&y, "      p%d: {at: hr:1, tpye: x}\n", i)
	}
	_, report := config.Load(write(t, "gateway.yaml", y.String()), fakeKinds())
	if len(report.Mistakes) != 501 || !strings.Contains(report.String(), "1500 more errors are not shown") {
		t.Errorf("%d mistakes are shown", len(report.Mistakes))
	}
}

func TestNoSecretIsShown(t *testing.T) {
	path := write(t, "gateway.yaml", head+`  b: {modbus: tcp, addres: "x", password: hunter2, 'token': "hunter2", user: 'a'}
  c: {modbus: tcp, address: "mqtts://me:hunter2@x", pasword: "${PW}"}
cloud: [{url: "mqtts://me:hunter2@iot", password: 'hunter2'}]
`)
	loader := config.Loader{Kinds: fakeKinds(), Getenv: func(string) (string, bool) { return "hunter2", true }}
	_, report := loader.Load(path)
	if report.Errors() < 5 || strings.Contains(report.String(), "hunter2") {
		t.Errorf("the report is\n%s", report)
	}
}

func TestManyDevicesAreNotManyKeysInOnePlace(t *testing.T) {
	var y strings.Builder
	y.WriteString(head + "devices:\n")
	for i := range 3000 {
		fmt.Fprintf(&y, "- name: d%d\n  connection: plc\n  unit: %d\n  tags: {a: b}\n  points: {x: {at: hr:1}}\n", i, i%247+1)
	}
	cfg, report := config.Load(write(t, "gateway.yaml", y.String()), fakeKinds())
	if cfg == nil || len(cfg.Points) != 3000 {
		t.Fatal(report)
	}
	// 2,753 of them share a unit id with another: many warnings are still no error.
	if report.Warnings() != 501 || !strings.Contains(report.String(), "warning: 2253 more warnings are not shown") {
		t.Errorf("%d warnings", report.Warnings())
	}
}

func TestTooManyKeysInOnePlaceAreRefused(t *testing.T) {
	var y strings.Builder
	y.WriteString("version: 1\nscan:\n")
	for i := range 10_001 {
		fmt.Fprintf(&y, "  s%d: 1s\n", i)
	}
	if _, report := config.Load(write(t, "gateway.yaml", y.String()), fakeKinds()); !strings.Contains(report.String(), "more than 10000 keys in one place") {
		t.Error(report)
	}
}
