//go:build interop

package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// peer runs one of the scripts around AWS's SDKs as the thing press, with the files that issue wrote, and gives what it said.
func (s *shell) peer(script string, args ...string) string {
	s.t.Helper()
	folder := filepath.Join("..", "..", "cloud", "shadow", "testdata", "peers")
	if made, _ := filepath.Glob(filepath.Join(folder, "node_modules", "aws-iot-device-sdk*")); len(made) != 2 {
		s.t.Fatalf("%s lacks its node_modules: run make test, which installs them", folder)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		s.t.Fatalf("%v: run make test, which installs it", err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	file := func(name string) string { return filepath.Join(s.dir, name) }
	args = append(append([]string{script}, args...), "localhost", s.mqtt.Port(), file("ca.crt"), file("press.crt"), file("press.key"))
	cmd := exec.CommandContext(ctx, node, args...)
	cmd.Dir = folder
	out, _ := cmd.CombinedOutput() // its words count, the last of them is end
	return string(out)
}

// TestDS1_DS11_AWSDeviceSDKs: both generations of AWS IoT's device SDK find what they know: get, update, delta, delete, errors.
func TestDS1_DS11_AWSDeviceSDKs(t *testing.T) {
	classic := `classic rejected 404 No shadow exists with name: 'press'
classic accepted 1 {"reported":{"mode":"auto"}}
classic rejected 409 Version conflict
classic deleted 1 ""
`
	named := `get 404 No shadow exists with name: 'recipe'
update 1 {"reported":{"speed":79}}
update 2 {"desired":{"speed":80}}
delta 2 {"speed":80}
update 409 Version conflict
get 2 {"delta":{"speed":80},"desired":{"speed":80},"reported":{"speed":79}}
delete 2
end
`
	for _, c := range []struct {
		name, script string
		args         []string
		want         string
	}{
		{"version 1", "v1.js", nil, `rejected press 404 No shadow exists with name: 'press'
accepted press 1 {"reported":{"speed":79}}
accepted press 2 {"desired":{"speed":80}}
delta press 2 {"speed":80}
accepted press 2 {"delta":{"speed":80},"desired":{"speed":80},"reported":{"speed":79}}
accepted press 3 {"reported":{"speed":80}}
accepted press 3 ""
end
`},
		{"version 2 over MQTT 3.1.1", "v2.js", []string{"311"}, classic + named},
		{"version 2 over MQTT 5", "v2.js", []string{"5"}, named},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t)
			s.must("issue", "press", "--out", s.dir)
			if got := s.peer(c.script, c.args...); got != c.want {
				t.Errorf("said\n%swant\n%s", got, c.want)
			}
		})
	}
}
