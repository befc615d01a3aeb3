package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts runs testdata/*.test, each twice: as it is, and with the rule killed and restored after every input.
func TestScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.test")
	if len(files) < 3 {
		t.Fatalf("found %d scripts", len(files))
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseScript(file, string(src))
		if err != nil {
			t.Fatal(err)
		}
		if s.Evals() == 0 {
			t.Errorf("%s evaluates nothing", file)
		}
		for _, f := range s.Run() {
			t.Errorf("%v", f)
		}
		for _, f := range s.run(func(r *Rule) *Rule { return restored(t, r) }) {
			t.Errorf("killed and restored after every input: %v", f)
		}
	}
}

func restored(t testing.TB, r *Rule) *Rule {
	t.Helper()
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	again := New(r.statement, r.o)
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatalf("%s: %v", r.statement, err)
	}
	return again
}

func TestScriptsFailReadably(t *testing.T) {
	const script = "load 1s\n  press/t  1 2 3\n\neval SELECT value FROM 'press/t'\n  0s {\"value\": 1}\n  1s {\"value\": 5}\n  9s {\"value\": 3}\n"
	s, err := ParseScript("hall.test", script)
	if err != nil {
		t.Fatal(err)
	}
	const want = "hall.test:4: SELECT value FROM 'press/t'\n    0s {\"value\":1}\n  - 1s {\"value\": 5}\n  + 1s {\"value\":2}\n  + 2s {\"value\":3}\n  - 9s {\"value\": 3}"
	failures := s.Run()
	if len(failures) != 1 || failures[0].String() != want {
		t.Errorf("it says\n%v\nwant\n%s", failures, want)
	}
}

func TestScriptMistakes(t *testing.T) {
	for src, want := range map[string]string{
		"lod 1s":                           `x:1: "lod" is no command`,
		"\nload often":                     `x:2: "often" is no time`,
		"  press/t 1":                      "x:1: an indented line belongs",
		"load 1s\n  press/t 1 zwei":        `x:2: "zwei" is no sample`,
		"load 1s\n  press/t 'a":            "no closing quote",
		"load 1s\n  press/t 1x9999999":     "want how often",
		"eval SELECT 1 FROM 'a'\n  1s {,}": "x:2: the row {,}",
		"message soon a/b {}":              "want a time, a topic",
	} {
		if _, err := ParseScript("x", src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
	s, err := ParseScript("x", "eval SELECT FROM 'a'\neval_fail SELECT 1 FROM 'a'\n  1:8: never\n")
	if failures := s.Run(); err != nil || len(failures) != 2 || !strings.Contains(failures[0].Text, "fails with: 1:8") || !strings.Contains(failures[1].Text, "should fail with: 1:8: never") {
		t.Errorf("%v %v", failures, err)
	}
}
