package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// TestRulesByName: what a condition's rule does over time, with for, until and readings that are missing.
func TestRulesByName(t *testing.T) {
	known := map[string]Named{
		"hot":     {When: "press.t > 85", For: 2 * time.Second, Until: "press.t < 80"},
		"warm":    {When: "press.t > 80"},
		"average": {SQL: "SELECT max(value) AS max FROM 'press/t' GROUP BY TUMBLINGWINDOW(ss, 10)"},
		"held":    {When: "press.t > 85", Until: "press.t >= 90"},
		"broken":  {When: "press.t >"},
	}
	const script = `load 1s
  press/t  80 90 84 90 bad 90 82 79 90x3

eval rule hot
  5s on
  7s off
  10s on
eval rule warm
  1s on
  7s off
  8s on
eval rule held
eval rule average
  10s {"max": 90}
  20s {"max": 90}
`
	lookUp := func(name string) (Named, bool) { n, ok := known[name]; return n, ok }
	s, err := ParseScriptOf("hall.rules", script, lookUp)
	if err != nil {
		t.Fatal(err)
	}
	if failures := s.Run(); len(failures) > 0 {
		t.Error(failures)
	}
	s, err = ParseScriptOf("x", "eval rule broken\n", lookUp)
	if failures := s.Run(); err != nil || len(failures) != 1 || !strings.Contains(failures[0].Text, "fails with: 1:10") {
		t.Errorf("%v %v", failures, err)
	}
	for src, want := range map[string]string{
		"eval rule cold":                   `x:1: there is no rule "cold" here`,
		"eval rule hot\n  AND press.t > 5": "x:2: want a row",
	} {
		if _, err := ParseScriptOf("x", src, lookUp); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
	if _, err := ParseScript("x", "eval rule hot"); err == nil {
		t.Error("without a host there are no rules")
	}
}
