//go:build interop

package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// types are the fixed values of server.js, as JSON.
var types = map[string]string{
	"Boolean": "true", "SByte": "-128", "Byte": "255", "Int16": "-32768", "UInt16": "65535", "Int32": "-2147483648", "UInt32": "4294967295",
	"Int64": "-9223372036854775808", "UInt64": "18446744073709551615", "Float": "0.10000000149011612", "Double": "0.1",
	"String": `"Füllstand"`, "DateTime": `"2026-03-01T12:34:56.789Z"`, "LocalizedText": `"running"`, "ByteString": `"deadbeef"`,
}

// nodeOPCUA starts the server by that library; folder is where it writes what it served.
func nodeOPCUA(t *testing.T) (endpoint, folder string) {
	t.Helper()
	const peers = "../adapters/opcua/testdata/peers"
	if _, err := os.Stat(filepath.Join(peers, "node_modules", "node-opcua")); err != nil {
		t.Fatal("node-opcua is missing: run make test, which installs it")
	}
	folder = t.TempDir()
	_, port, _ := net.SplitHostPort(unusedPort(t))
	start(t, foreign(t, peers, "node", "server.js", port, folder)).says("ready")
	return "opc.tcp://127.0.0.1:" + port, folder
}

// What node-opcua serves, open and encrypted, is what comes out at the other end of the product: every type, and every change with its
// time and quality.
func TestNodeOPCUAToQuery(t *testing.T) {
	t.Parallel()
	endpoint, folder := nodeOPCUA(t)
	s := newSite(t)
	s.write(filepath.Join(s.dir, "password"), "secret\n")
	var devices strings.Builder
	for _, name := range []string{"open", "secure"} {
		fmt.Fprintf(&devices, "  - name: %s\n    connection: %s\n    points:\n      ramp: {at: \"ns=1;s=Ramp\", sample: 10ms, queue: 100}\n", name, name)
		for kind := range types {
			fmt.Fprintf(&devices, "      %s: {at: \"ns=1;s=Types.%s\"}\n", kind, kind)
		}
	}
	s.configure(fmt.Sprintf(`connections:
  open: {opcua: %[1]q, security: None, insecure: true, publish: 100ms}
  secure:
    opcua: %[1]s
    security: Basic256Sha256/SignAndEncrypt
    user: gw
    password_file: password
    trust: %[2]s
    pki: pki
    publish: 100ms
devices:
`, endpoint, filepath.Join(folder, "pki", "own", "certs", "certificate.pem")) + devices.String())
	s.enroll()
	s.collect(uint64(2 * (60 + len(types))))

	for _, device := range []string{"open", "secure"} {
		for _, kind := range slices.Sorted(maps.Keys(types)) {
			if list := s.query(device + "." + kind); len(list) != 1 || string(list[0].Value) != types[kind] || list[0].Quality != "good" {
				t.Errorf("of %s.%s is stored %s; node-opcua served %s", device, kind, list, types[kind])
			}
		}
		s.compareRamp(device+".ramp", filepath.Join(folder, "ramp.jsonl"))
	}
}

// ramp is one state that the server's ramp had, as it wrote it down.
type ramp struct {
	Value  float64   `json:"value"`
	Status uint32    `json:"status"`
	Time   time.Time `json:"time"`
}

// sample is what of it is to be stored. A value that is bad is none.
func (r ramp) sample() string {
	quality := map[uint32]string{0: "good", 0x40930000: "uncertain: sensor not accurate", 0x808C0000: "bad: sensor failure"}[r.Status]
	value, _ := json.Marshal(r.Value)
	if r.Status>>30 >= 2 {
		value = []byte("null")
	}
	return fmt.Sprintf("%s %s %s", r.Time.Format(time.RFC3339Nano), value, quality)
}

// compareRamp holds what is stored against what was served: from the first stored on to the last nothing is missing, added or changed.
func (s *site) compareRamp(point, file string) {
	s.t.Helper()
	var stored []string
	for _, one := range s.query(point) {
		stored = append(stored, fmt.Sprintf("%s %s %s", one.Time.Format(time.RFC3339Nano), one.Value, one.Quality))
	}
	if len(stored) < 30 {
		s.t.Fatalf("%s: %d samples are stored", point, len(stored))
	}
	var served []string
	until(s.t, 20*time.Second, "node-opcua has written down the last that is stored", func() bool {
		served = servedRamp(s.t, file)
		return slices.Contains(served, stored[len(stored)-1])
	})
	first := max(0, slices.Index(served, stored[0]))
	if got, want := stored, served[first:min(first+len(stored), len(served))]; !slices.Equal(got, want) {
		s.t.Errorf("%s: stored\n%s\nserved\n%s", point, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.t.Logf("%s: %d changes stored, every one as node-opcua served it", point, len(stored))
}

// servedRamp is what node-opcua has written down so far; it may be a moment behind what it has served.
func servedRamp(t testing.TB, file string) (served []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var one ramp
		if json.Unmarshal(line, &one) == nil { // the last line may be half written
			served = append(served, one.sample())
		}
	}
	return served
}
