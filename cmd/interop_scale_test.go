//go:build interop

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a scale by another program says on its line is what comes out at the other end of the product; what was spoilt on the way does not.
func TestForeignScaleToQuery(t *testing.T) {
	t.Parallel()
	const frames = 150
	device, gateway := serialLine(t)
	s := newSite(t)
	s.configure(fmt.Sprintf(`connections:
  port: {serial: %s, line: 9600 7E1}
devices:
  - name: scale
    connection: port
    template: toledo-continuous
    points:
      weight: {scale: 0.1}
      tare: {scale: 0.1}
`, gateway))
	s.enroll()
	s.startGateway()
	s.gateway.says("connection is up")
	log := filepath.Join(s.dir, "log")
	scale := start(t, foreign(t, "../adapters/serial", python, "testdata/peers/scale.py", device, log, fmt.Sprint(frames)))
	<-scale.ended
	if code := scale.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("scale.py ended with code %d", code)
	}
	want := shown(t, log)
	until(t, 10*time.Second, "all frames are read", func() bool { return s.now().SamplesRead >= uint64(4*len(want["weight"])) })
	s.gateway.stop()
	s.drain()

	for point, values := range want {
		list := s.query("scale." + point)
		var got []string
		for i, one := range list {
			if i > 0 && one.Time.Before(list[i-1].Time) {
				t.Errorf("scale.%s: a sample of %v follows one of %v", point, one.Time, list[i-1].Time)
			}
			if one.Quality == "good" {
				got = append(got, string(one.Value))
			}
		}
		// Frames that come in one piece have one time, and what is repeated at one time is one sample: that concerns motion, every
		// other value is another than the one before it.
		if !slices.Equal(slices.Compact(got), slices.Compact(values)) || len(list) > len(got)+1 { // one more says that the scale is silent
			t.Errorf("scale.%s: stored %d\n%s\nshown %d\n%s", point, len(list), strings.Join(got, " "), len(values), strings.Join(values, " "))
		}
	}
	t.Logf("%d frames, %d spoilt; %d weights are stored, all as the scale showed them", frames, frames-len(want["weight"]), len(want["weight"]))
}

// shown reads the scale's own log: by point what it showed, without the frames that it spoilt.
func shown(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		var r *struct {
			Gross, Tare float64
			Motion      bool
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r == nil {
			continue
		}
		for point, v := range map[string]any{"weight": r.Gross, "tare": r.Tare, "motion": r.Motion} {
			text, _ := json.Marshal(v)
			want[point] = append(want[point], string(text))
		}
	}
	if n := len(want["weight"]); n == 0 {
		t.Fatal("the scale has shown nothing")
	}
	return want
}
