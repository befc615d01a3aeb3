package server

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const hashLine = "admin: {token_hash: sha256:0000000000000000000000000000000000000000000000000000000000000000}\n"

// Each mistake is told with its place, or with its key, and with what to write.
func TestConfigMistakes(t *testing.T) {
	for text, want := range map[string]string{
		hashLine + "lissten: {}":                            "cloud.yaml:2:1: unknown field \"lissten\"",
		hashLine + "listen:\n  mqt: x":                      "cloud.yaml:3:3: unknown field \"mqt\"",
		hashLine + "names: 7":                               "cloud.yaml:2:8:",
		hashLine + "names: [a, a]\nnames: [b]":              "cloud.yaml:3:1:",
		hashLine + "listen: {mqtt: '8883'}":                 "listen: mqtt: \"8883\" is no HOST:PORT",
		hashLine + "version: 2":                             "it knows 1",
		hashLine + "names: []":                              "names: give a DNS name",
		hashLine + "names: ['https://x']":                   "neither a DNS name nor an IP address",
		hashLine + "names: ['x:8883']":                      "a port does not belong to it",
		hashLine + "public: {mqtt: 'mqtt://x'}":             "mqtts://iot.example.com:8883",
		hashLine + "pki: ''":                                "each names a folder",
		"":                                                  "sha256sum",
		"admin: {token_hash: hunter2}":                      "sha256sum",
		hashLine + "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]": "unknown field",
		hashLine + "listen: [":                              "cloud.yaml:2:",
		"{":                                                 "cloud.yaml:1:",
	} {
		path := filepath.Join(t.TempDir(), "cloud.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "penstock-cloud init") {
		t.Errorf("no file: %v", err)
	}
}

// The annotated reference loads, names every key, and gives the defaults.
func TestReferenceNamesEveryKey(t *testing.T) {
	const path = "../../configs/cloud.yaml"
	config, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for f := range s.Fields() {
			if !f.IsExported() {
				continue
			}
			seen++
			if key := f.Tag.Get("yaml"); !strings.Contains(string(text), key+":") {
				t.Errorf("configs/cloud.yaml does not name %s", key)
			}
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	want := Defaults()
	want.Admin, want.file = config.Admin, path
	want.PKI, want.Data = "../../configs/pki", "../../configs/data"
	if !reflect.DeepEqual(config, want) || seen < 10 {
		t.Errorf("%+v, want the defaults %+v", config, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hashLine))
	f.Add([]byte("listen: {mqtt: 1}\nnames: [&a x, *a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if config, err := parse("cloud.yaml", text); err == nil && (config.PKI == "" || len(config.Names) == 0) {
			t.Fatalf("%q gave %+v", text, config)
		}
	})
}
