package opcua

import (
	"strings"
	"testing"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"", "a/b", true}, {"**", "a/b/c", true}, {"**", "a", true}, {"*", "a", true}, {"*", "a/b", false}, {"a/*/c", "a/b/c", true}, {"a/*/c", "a/c", false},
		{"**/Temperature", "Temperature", true}, {"**/Temperature", "x/y/Temperature", true}, {"**/Temp*", "x/Temperature", true}, {"**/Temp*", "Temp/x", false},
		{"a/**/z", "a/z", true}, {"a/**/z", "a/b/c/z", true}, {"a/**/z", "b/a/z", false}, {"Motor[12]", "Motor2", true}, {"Motor[12]", "Motor3", false},
	} {
		if got := matches(c.pattern, strings.Split(c.path, "/")); got != c.want {
			t.Errorf("%q and %q: %v", c.pattern, c.path, got)
		}
	}
	if checkMatch("a/[b") == nil || checkMatch("a/*/[bc]/**") != nil {
		t.Error("patterns are not checked")
	}
}

func TestNamesAreThoseOfPoints(t *testing.T) {
	found := []Found{{Path: "Motor 1/Speed"}, {Path: "Motor_1/Speed"}, {Path: "1"}, {Path: "Füllstand"}, {Path: ""}, {Path: strings.Repeat("x", 200)}}
	nameThem(found)
	for i, want := range []string{"Motor_1_Speed", "Motor_1_Speed_2", "v1", "F_llstand", "v", strings.Repeat("x", 100)} {
		if found[i].Name != want {
			t.Errorf("%q is named %q, want %q", found[i].Path, found[i].Name, want)
		}
	}
}

// FuzzMatch: any pattern that is accepted matches in a time that does not explode, and ** fits everything.
func FuzzMatch(f *testing.F) {
	f.Add("**/a*/**", "x/y/ab/c")
	f.Add("[", "a")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if checkMatch(pattern) != nil || len(pattern) > 1000 || len(path) > 1000 {
			return
		}
		names := strings.Split(path, "/")
		if matches(pattern, names) && !matches("**/"+pattern, names) {
			t.Fatalf("%q fits and **/ before it does not", pattern)
		}
	})
}
