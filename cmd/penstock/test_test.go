package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const hotSite = `version: 1
devices:
  - name: press
    connection: {modbus: tcp, address: "10.0.0.1"}
    points: {oil_temp: {at: hr:100}}
rules:
  - {name: oil_hot, when: press.oil_temp > 85, for: 2s, until: press.oil_temp < 80, alarm: {text: hot}}
  - {name: oil_average, sql: "SELECT avg(value) AS value FROM 'press/oil_temp' GROUP BY TUMBLINGWINDOW(ss, 10)", set: hall.oil}
`

const hotScript = `load 1s
  press/oil_temp  80 90x4 70x6
eval rule oil_hot
  3s on
  5s off
eval rule oil_average
  10s {"value": 79}
  20s {"value": 70}
`

// penstockTest runs the command below the program's own tree.
func penstockTest(t *testing.T, args ...string) said {
	t.Helper()
	var out, err bytes.Buffer
	root := command()
	if found, _, _ := root.Find(args[:1]); found == nil || found == root {
		root.AddCommand(testCommand())
	}
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&err)
	failure := root.ExecuteContext(t.Context())
	var code exitCode
	var usage usageError
	switch {
	case failure == nil:
		return said{exitOK, out.String(), err.String()}
	case errors.As(failure, &code):
		return said{int(code), out.String(), err.String()}
	case errors.As(failure, &usage):
		return said{exitUsage, out.String(), err.String() + failure.Error() + "\n"}
	}
	return said{exitError, out.String(), err.String() + failure.Error() + "\n"}
}

// beside puts files into one folder.
func beside(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRulesAreTested(t *testing.T) {
	dir := beside(t, "gateway.yaml", hotSite, "gateway.rules", strings.Replace(hotScript, "79", "78", 1))
	config, script := filepath.Join(dir, "gateway.yaml"), filepath.Join(dir, "gateway.rules")
	const diff = "gateway.rules:6: rule oil_average\n  - 10s {\"value\": 78}\n  + 10s {\"value\":79}\n    20s {\"value\":70}\n1 failed: 1 script, 2 evals\n"
	penstockTest(t, "test", "-c", config).want(t, "test of a configuration with a wrong row", exitError, diff)
	penstockTest(t, "test", script, "-o", "json").want(t, "the same as JSON", exitError, `{"scripts":1,"evals":2,"failures":[{"file":"`+script+`","line":6,"text":"rule oil_average\n`)
	if err := os.WriteFile(script, []byte(hotScript), 0o600); err != nil {
		t.Fatal(err)
	}
	penstockTest(t, "test", dir).want(t, "test of a folder", exitOK, "good: 1 script, 2 evals")
	elsewhere := beside(t, "more.rules", hotScript, "plain.rules", "message 0s a {\"b\": 1}\neval SELECT b FROM 'a'\n  0s {\"b\": 1}\n")
	penstockTest(t, "test", "-c", config, elsewhere).want(t, "scripts without a site beside them", exitOK, "good: 2 scripts, 3 evals")
}

func TestTheExamplesRulesAreTested(t *testing.T) {
	penstockTest(t, "test", "../../configs/examples").want(t, "test of the examples", exitOK, "good: 2 scripts, 10 evals")
}

func TestTestsThatCannotBeRun(t *testing.T) {
	dir := beside(t, "gateway.yaml", hotSite, "none.rules", "load 1s\n  a/b 1\n", "gone.rules", "eval rule oil_cold\n", "odd.rules", "evil\n")
	at := func(name string) string { return filepath.Join(dir, name) }
	c := "-c=" + at("gateway.yaml")
	penstockTest(t, "test", c, at("none.rules")).want(t, "a script without eval", exitError, "none.rules:1: it tests nothing")
	penstockTest(t, "test", c, at("gone.rules")).want(t, "a rule that is not there", exitError, `gone.rules:1: there is no rule "oil_cold" here (with the rules of `)
	penstockTest(t, "test", c, at("odd.rules")).want(t, "a script with a mistake", exitError, `odd.rules:1: "evil" is no command`)
	penstockTest(t, "test", c, at("not.rules")).want(t, "a file that is not there", exitError, "no such file")
	penstockTest(t, "test", t.TempDir()).want(t, "an empty folder", exitError, "there is no file *.rules")
	penstockTest(t, "test", "-c", at("no.yaml"), at("gone.rules")).want(t, "a configuration that is not there", exitError, "there is no file", "is about the rules of")
}

func TestOneStatementIsTried(t *testing.T) {
	message := write(t, "message.json", `{"temp": 85, "n": [1, 2]}`)
	try := func(sql string, more ...string) said {
		return penstockTest(t, append([]string{"test", "--sql", sql}, more...)...)
	}
	const hot = "SELECT temp * 2 AS t, topic(2) AS who FROM 'plant/+' WHERE temp > 80"
	for what, c := range map[string]struct {
		got  said
		want string
	}{
		"a message":               {try(hot, "--topic", "plant/press", "--payload", message), `{"t":170,"who":"press"}` + "\n"},
		"the same as JSON":        {try(hot, "--topic", "plant/press", "--payload", message, "-o", "json"), `{"t":170,"who":"press"}` + "\n"},
		"without a topic":         {try(hot, "--payload", message), `{"t":170,"who":"test"}` + "\n"},
		"of another topic":        {try(hot, "--topic", "press", "--payload", message), ""},
		"WHERE is not so":         {try("SELECT temp FROM 'a' WHERE temp > 90", "--payload", message), ""},
		"a window":                {try("SELECT count(*) AS n FROM 'a' GROUP BY TUMBLINGWINDOW(ss, 10)", "--payload", message), `{"n":1}` + "\n"},
		"without a payload":       {try("SELECT 1 AS one FROM 'a'"), `{"one":1}` + "\n"},
		"without FROM":            {try("SELECT VALUE n", "--payload", message), "[1,2]\n"},
		"of bytes":                {try("SELECT * FROM 'a'", "--payload", write(t, "raw", "not JSON")), "not JSON\n"},
		"of bytes, as JSON":       {try("SELECT * FROM 'a'", "--payload", write(t, "raw", "not JSON"), "-o", "json"), `"not JSON"` + "\n"},
		"undefined is no payload": {try("SELECT VALUE nothing FROM 'a'", "--payload", message), ""},
	} {
		if c.got.code != exitOK || c.got.out != c.want || c.got.err != "" {
			t.Errorf("%s: %d, %q, %q; want %q", what, c.got.code, c.got.out, c.got.err, c.want)
		}
	}
	try("SELECT temp\nFORM 'a'").want(t, "a mistake", exitError, "line 2, column 1 of the statement: ", "\n  FORM 'a'\n  ^\n")
	try("SELECT "+strings.Repeat("a + ", 100)+"+ 5 FROM 'a'").want(t, "a mistake far to the right", exitError, "line 1, column 408", "^")
	try("SELECT 1 FROM 'a'", "--payload", "no.json").want(t, "a payload that is not there", exitError, "no.json")
	try("SELECT 1 FROM 'a'", "x.rules").want(t, "both", exitUsage, "--sql tries one statement")
	penstockTest(t, "test", "--topic", "a").want(t, "a topic for nothing", exitUsage, "belong to --sql")
}
