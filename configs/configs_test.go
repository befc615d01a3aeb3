package configs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/adapters/serial"
	"github.com/penstock-edge/penstock/configs"
	"github.com/penstock-edge/penstock/gateway/config"
)

func loader() config.Loader {
	return config.Loader{Kinds: all.Kinds(), Templates: configs.Templates}
}

func load(t *testing.T, path string) *config.Config {
	t.Helper()
	cfg, report := loader().Load(path)
	if len(report.Mistakes) > 0 {
		t.Errorf("%s has mistakes:\n%s", path, report)
	}
	return cfg
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no %s: %v", pattern, err)
	}
	return found
}

func TestEveryExampleLoads(t *testing.T) {
	for _, path := range files(t, "examples/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if cfg := load(t, path); cfg != nil && len(cfg.Points) == 0 {
				t.Error("an example without points shows nothing")
			}
		})
	}
}

// TestRulesOfExamplesDoWhatTheySay runs the scripts beside the examples, each with the rules of its site.
func TestRulesOfExamplesDoWhatTheySay(t *testing.T) {
	tested := map[string]bool{}
	for _, path := range files(t, "examples/*.rules") {
		cfg := load(t, strings.TrimSuffix(path, ".rules")+".yaml")
		if cfg == nil {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		script, err := cfg.Script(path, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, f := range script.Run() {
			t.Error(f)
		}
		for _, r := range cfg.Rules {
			tested[cfg.Path+" "+r.Name] = strings.Contains(string(text), "eval rule "+r.Name+"\n")
		}
	}
	for _, path := range files(t, "examples/*.yaml") {
		cfg := load(t, path)
		for _, r := range cfg.Rules {
			if !tested[path+" "+r.Name] {
				t.Errorf("%s: no test evaluates rule %s", path, r.Name)
			}
		}
	}
}

// TestTheSchemaTakesWhatIsShipped: an editor underlines nothing in what comes with the program.
func TestTheSchemaTakesWhatIsShipped(t *testing.T) {
	text, err := loader().Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("gateway.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("gateway.schema.json")
	for _, path := range append(files(t, "examples/*.yaml"), append(files(t, "examples/plant/*.yaml"), "gateway.yaml")...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		value, err = jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil && !(strings.Contains(path, "/plant/") && onlyVersionIsMissing(err)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// onlyVersionIsMissing: an included file has none.
func onlyVersionIsMissing(err error) bool {
	var v *jsonschema.ValidationError
	return errors.As(err, &v) && strings.Count(err.Error(), "\n") == 1 && strings.Contains(err.Error(), "missing property 'version'")
}

func TestTheReferenceLoads(t *testing.T) {
	cfg := load(t, "gateway.yaml")
	if cfg == nil {
		return
	}
	kinds := map[string]bool{}
	for _, c := range cfg.Connections {
		kinds[c.Kind] = true
	}
	for _, k := range all.Kinds() {
		if !kinds[k.Name] {
			t.Errorf("the reference has no connection of the kind %s", k.Name)
		}
	}
}

// keyIn finds a key of the reference, also one that is commented out because another stands in its place.
func keyIn(text, key string) bool {
	return regexp.MustCompile(`(?m)(^|[\s{,])` + regexp.QuoteMeta(key) + `:(\s|$)`).MatchString(text)
}

func TestTheReferenceNamesEveryKey(t *testing.T) {
	raw, err := os.ReadFile("gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	places := loader().Keys()
	if len(places) < 5+3*len(all.Kinds()) {
		t.Fatalf("only %d places have keys", len(places))
	}
	for place, keys := range places {
		for _, key := range keys {
			name := key[strings.LastIndex(key, ".")+1:]
			if place != "template" && !keyIn(string(raw), name) {
				t.Errorf("gateway.yaml does not name %s of %s", key, place)
			}
		}
	}
	if keyIn(string(raw), "no_such_key") || !keyIn(string(raw), "version") {
		t.Error("the search for keys finds what is not there, or nothing")
	}
}

// A template is tried on a device of its protocol.
var connections = map[string]string{
	"modbus": `{modbus: tcp, address: "a:502"}`,
	"opcua":  `{opcua: "opc.tcp://a:4840"}`,
	"serial": `{serial: /dev/ttyS1}`,
}

func TestEveryTemplateLoads(t *testing.T) {
	for _, path := range files(t, "templates/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			raw, err := fs.ReadFile(configs.Templates, name+".yaml")
			if err != nil {
				t.Fatal(err)
			}
			protocol := regexp.MustCompile(`(?m)^protocol: (\w+)(?:/\w+)?$`).FindStringSubmatch(string(raw))
			if protocol == nil {
				t.Fatal("it does not name its protocol")
			}
			site := filepath.Join(t.TempDir(), "gateway.yaml")
			yaml := "version: 1\ndevices: [{name: d, template: " + name + ", connection: " + connections[protocol[1]] + "}]\n"
			if err := os.WriteFile(site, []byte(yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			if cfg := load(t, site); cfg != nil && len(cfg.Points) == 0 {
				t.Error("it has no points")
			}
			if !strings.Contains(string(raw), "# Facts: ") {
				t.Error("it does not say where its facts are from")
			}
		})
	}
}

// What the scales of the templates send, without end and checksum, and what is to be read from it.
var frames = map[string]struct {
	frame  string
	groups map[string]string
}{
	"toledo-continuous": {"\x02,( 001234000100\r", map[string]string{"weight": "001234", "tare": "000100", "swb": "("}},
	"sma-level1":        {"\n 1GM    1234.5 kg ", map[string]string{"weight": "   1234.5 ", "motion": "M", "mode": "G"}},
	"and-standard":      {"ST,GS,+00123.4kg", map[string]string{"weight": "+00123.4", "state": "ST", "unit": "kg"}},
}

func TestScaleTemplatesReadTheirFrames(t *testing.T) {
	for name, want := range frames {
		site := filepath.Join(t.TempDir(), "gateway.yaml")
		yaml := "version: 1\ndevices: [{name: d, template: " + name + ", connection: {serial: /dev/ttyS1}}]\n"
		if err := os.WriteFile(site, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := load(t, site)
		if cfg == nil {
			continue
		}
		re := regexp.MustCompile(cfg.Connections[0].Devices[0].Settings.(*serial.Device).Match)
		found := re.FindStringSubmatch(want.frame)
		if found == nil {
			t.Errorf("%s does not match %q", name, want.frame)
			continue
		}
		for group, text := range want.groups {
			if got := found[re.SubexpIndex(group)]; got != text {
				t.Errorf("%s reads %s as %q, want %q", name, group, got, text)
			}
		}
	}
}
