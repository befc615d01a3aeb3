package all

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kindFolders are the folders below dir that have a func Kind(). The files are parsed here and not asked of
// the go command, whose answer go test's cache does not know to be old.
func kindFolders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && hasKind(t, filepath.Join(dir, e.Name())) {
			folders = append(folders, e.Name())
		}
	}
	return folders
}

func hasKind(t *testing.T, folder string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Kind" && f.Type.Params.NumFields() == 0 {
				return true
			}
		}
	}
	return false
}

// missing are the folders that have a Kind and are not in the list.
func missing(folders, listed []string) []string {
	return slices.DeleteFunc(slices.Clone(folders), func(name string) bool { return slices.Contains(listed, name) })
}

func listed() []string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return names
}

func TestEveryProtocolIsListed(t *testing.T) {
	folders := kindFolders(t, "..")
	if len(folders) == 0 {
		t.Fatal("no folder with a func Kind() was seen: the search is broken")
	}
	if forgotten := missing(folders, listed()); len(forgotten) > 0 {
		t.Errorf("not listed in Kinds(): %v; add a line to all.go", forgotten)
	}
}

func TestNamesAreThereOnce(t *testing.T) {
	names := listed()
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); !slices.Equal(sorted, names) {
		t.Errorf("Kinds() is %v; want each once and in order", names)
	}
}

// The search must see what is forgotten, and must not see what is none.
func TestAForgottenProtocolIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, source := range map[string]string{
		"dnp3/dnp3.go": "package dnp3\nfunc Kind() int { return 0 }",
		"sim/sim.go":   "package sim\ntype T struct{}\nfunc (T) Kind() int { return 0 }",
		"t/t_test.go":  "package t\nfunc Kind() {}",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := missing(kindFolders(t, dir), listed()); !slices.Equal(got, []string{"dnp3"}) {
		t.Errorf("forgotten are %v; want dnp3", got)
	}
}
