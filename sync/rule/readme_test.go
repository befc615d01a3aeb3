package rule

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeScript runs the script that the README shows.
func TestReadmeScript(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(readme), "```\n# A value a second")
	script, _, ended := strings.Cut(script, "```")
	if !found || !ended {
		t.Fatal("the README shows no script")
	}
	s, err := ParseScript("README.md", "# "+script)
	if err != nil {
		t.Fatal(err)
	}
	if s.Evals() != 3 {
		t.Errorf("%d evals, want 3", s.Evals())
	}
	for _, f := range s.Run() {
		t.Error(f)
	}
}

// TestReadmeNamesEveryFunction: what can be called is in the table.
func TestReadmeNamesEveryFunction(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, word := range strings.FieldsFunc(strings.ToLower(string(readme)), func(r rune) bool { return !isLetter(byte(r)) && !isDigit(byte(r)) }) {
		words[word] = true
	}
	for _, room := range append(functions(), remembering, aggregates) {
		for name := range room {
			if !words[name] {
				t.Errorf("the README does not name %s", name)
			}
		}
	}
}
