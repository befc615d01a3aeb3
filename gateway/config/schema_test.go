package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-edge/penstock/gateway/config"
)

func compiled(t *testing.T, l config.Loader) *jsonschema.Schema {
	t.Helper()
	text, err := l.Schema()
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
	s, err := c.Compile("gateway.schema.json")
	if err != nil {
		t.Fatalf("it is no JSON Schema: %v", err)
	}
	return s
}

// violation is what an editor would underline.
func violation(t *testing.T, s *jsonschema.Schema, file string) error {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

func TestTheSchemaTakesWhatIsGood(t *testing.T) {
	s := compiled(t, goldenLoader())
	for _, file := range golden(t, "*.good.yaml") {
		if err := violation(t, s, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestTheSchemaRefusesMistakesOfStructure: those that can be seen without knowing what names and values mean.
func TestTheSchemaRefusesMistakesOfStructure(t *testing.T) {
	s := compiled(t, goldenLoader())
	for _, word := range strings.Fields(`unknown_key_in_connection unknown_key_in_device unknown_key_in_frame unknown_key_in_point unknown_key_in_rule
		unknown_key_without_a_likeness unknown_section value_for_a_section list_at_the_top list_for_a_value list_for_connections map_for_devices
		missing_name missing_version duration_without_unit number_in_quotes connection_without_protocol`) {
		file := filepath.Join("testdata", word+".bad.yaml")
		if err := violation(t, s, file); err == nil {
			t.Errorf("%s is taken", file)
		}
	}
}
