// Package cmd holds the rule of who may import whom. The programs are in the folders below.
package cmd

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/penstock-edge/penstock/"

// rule says what of ours the packages of a room may import. In room and in the lists, {x} stands for one folder's name,
// the same one wherever it appears in a line; * for any one name; and a trailing /... for everything below, not the folder
// itself. A room's own folder is always allowed (its external tests).
type rule struct {
	room  string
	code  []string // what every file may import
	tests []string // and what its _test.go files may import besides
}

// rules: the first line whose room matches is a package's law; a package that no line matches has no place.
var rules = []rule{
	// What both ends agree on. telemetry is the leaf; none of these knows gateway, cloud or adapters, not even in tests.
	{room: "sync/telemetry"},
	{room: "sync/uplink", code: list("sync/wire", "sync/telemetry"), tests: list("sync/...")},
	{room: "sync/session", code: list("sync/wire", "sync/telemetry"), tests: list("sync/...")},
	{room: "sync/*", code: list("sync/telemetry"), tests: list("sync/...")},

	{room: "buffer"},

	// Protocols: the seam and the samples, nothing else of ours, and nobody but cmd knows which there are. A simulator is
	// imported by the tests of its own protocol and by cmd, so none ends up in the daemon by accident.
	{room: "adapters", code: list("sync/telemetry"), tests: list("adapters/adaptertest")},
	{room: "adapters/all", code: list("adapters", "adapters/*"), tests: list("sync/telemetry")},
	{room: "adapters/adaptertest", code: list("adapters", "sync/telemetry")},
	{room: "adapters/{x}", code: list("adapters", "sync/telemetry"), tests: list("adapters/adaptertest", "adapters/isolate", "adapters/{x}/{x}sim")},
	{room: "adapters/{x}/{x}sim", code: list("adapters", "adapters/{x}", "sync/telemetry")},

	// The gateway joins its rooms; the rooms share config's types and a shelf each in state,
	// and nothing else of each other. Tests of the whole gateway
	// poll the simulators of real protocols.
	{room: "gateway", code: list("gateway/...", "adapters", "buffer", "sync/..."), tests: list("adapters/...")},
	{room: "gateway/config", code: list("adapters", "sync/telemetry", "sync/rule", "sync/alarm"), tests: list("adapters/all")},
	{room: "gateway/*", code: list("gateway/config", "gateway/state", "adapters", "buffer", "sync/..."), tests: list("adapters/adaptertest", "adapters/all")},

	// The cloud's rooms stand on its nouns; server joins them. Tests of a room use the real store, not a fake one.
	{room: "cloud", code: list("sync/...")},
	{room: "cloud/server", code: list("cloud", "cloud/...", "sync/...")},
	{room: "cloud/store/*", code: list("cloud", "sync/..."), tests: list("cloud/store/storetest")},
	{room: "cloud/*", code: list("cloud", "sync/..."), tests: list("cloud/store/*")},

	{room: "configs", tests: list("adapters/...", "gateway/config", "cloud/server")},

	// The programs know everything, except that each daemon is one side only: the other would double its size.
	{room: "cmd/penstock", code: list("adapters", "adapters/...", "buffer", "configs", "gateway", "gateway/...", "sync/..."), tests: list("cloud", "cloud/...")},
	{room: "cmd/penstock-cloud", code: list("cloud", "cloud/...", "sync/..."), tests: list("*", "adapters/...", "gateway/...")},
	{room: "cmd/*", code: list("*", "adapters/...", "cloud/...", "gateway/...", "sync/...")},
	{room: "cmd", tests: list("*", "adapters/...", "cloud/...", "gateway/...", "sync/...")},

	{room: "packaging"},
	{room: "packaging/thirdparty"},
}

func list(folders ...string) []string { return folders }

// breach is one import that the rule does not allow.
type breach struct{ file, imported string }

func (b breach) String() string { return b.file + " imports " + b.imported }

// survey is what a walk over the files found.
type survey struct {
	breaches []breach
	homeless []string    // files of packages that no rule is about
	packages map[int]int // rule -> files that it was applied to
	imports  int         // imports of ours that were looked at
}

func TestImports(t *testing.T) {
	s, err := look(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range s.breaches {
		t.Errorf("%v: not allowed by the rules above", b)
	}
	for _, file := range s.homeless {
		t.Errorf("%s: no rule is about its folder: add one, or put it where it belongs", file)
	}
	for i, r := range rules {
		if s.packages[i] == 0 && r.room != "cmd/*" {
			t.Errorf("the rule about %s saw no file", r.room)
		}
	}
	if s.imports < 100 {
		t.Errorf("saw %d imports of ours: the rules were not applied", s.imports)
	}
}

// TestImportsAreSeen is the negative control: each of these must be found.
func TestImportsAreSeen(t *testing.T) {
	for _, c := range []struct{ file, imports string }{
		{"sync/telemetry/value.go", "sync/wire"},
		{"sync/telemetry/value_test.go", "sync/wire"},
		{"sync/wire/block.go", "sync/identity"},
		{"sync/wire/block.go", "adapters"},
		{"sync/session/session_test.go", "cloud/broker"},
		{"buffer/queue.go", "sync/telemetry"},
		{"buffer/queue_test.go", "sync/telemetry"},
		{"adapters/kind.go", "adapters/modbus"},
		{"adapters/all/all.go", "gateway/config"},
		{"adapters/all/all.go", "adapters/modbus/modbussim"},
		{"adapters/modbus/adapter.go", "adapters/opcua"},
		{"adapters/modbus/adapter.go", "adapters/adaptertest"},
		{"adapters/modbus/adapter.go", "adapters/modbus/modbussim"},
		{"adapters/modbus/adapter.go", "sync/wire"},
		{"adapters/modbus/adapter_test.go", "adapters/opcua/opcuasim"},
		{"adapters/modbus/modbussim/server.go", "adapters/opcua"},
		{"gateway/gateway.go", "cloud"},
		{"gateway/gateway.go", "cloud/broker"},
		{"gateway/gateway.go", "adapters/all"},
		{"gateway/gateway.go", "adapters/modbus"},
		{"gateway/poll/poll.go", "gateway/flow"},
		{"gateway/poll/poll_test.go", "gateway/flow"},
		{"gateway/poll/poll_test.go", "adapters/modbus/modbussim"},
		{"gateway/config/load.go", "gateway"},
		{"gateway/config/load.go", "gateway/poll"},
		{"gateway/flow/flow_linux.go", "gateway/poll"},
		{"cloud/thing.go", "cloud/api"},
		{"cloud/thing.go", "gateway/config"},
		{"cloud/api/api.go", "cloud/ingest"},
		{"cloud/api/api.go", "cloud/store/local"},
		{"cloud/ingest/ingest.go", "gateway"},
		{"cloud/ingest/ingest_test.go", "gateway"},
		{"cloud/store/local/store.go", "cloud/store/storetest"},
		{"cloud/store/local/store.go", "cloud/server"},
		{"cloud/server/server.go", "gateway/config"},
		{"cloud/server/server.go", "adapters"},
		{"configs/templates.go", "gateway/config"},
		{"cmd/penstock/run.go", "cloud/server"},
		{"cmd/penstock-cloud/run.go", "gateway"},
		{"gateway/poll/poll.go", "cmd/penstock"},
	} {
		t.Run(c.file+" "+c.imports, func(t *testing.T) {
			s, err := look(files(c.file, c.imports))
			if err != nil {
				t.Fatal(err)
			}
			want := []breach{{c.file, c.imports}}
			if !slices.Equal(s.breaches, want) {
				t.Fatalf("found %v, want %v", s.breaches, want)
			}
		})
	}
}

// TestImportsThatAreFine keeps the rules from refusing everything.
func TestImportsThatAreFine(t *testing.T) {
	for _, c := range []struct{ file, imports string }{
		{"sync/wire/block.go", "sync/telemetry"},
		{"sync/wire/block_test.go", "sync/wire"},
		{"adapters/all/all.go", "adapters/modbus"},
		{"adapters/modbus/adapter_test.go", "adapters/modbus/modbussim"},
		{"adapters/dnp3/dnp3sim/sim.go", "adapters/dnp3"},
		{"gateway/poll/poll.go", "gateway/config"},
		{"cloud/server/server.go", "cloud/store/local"},
		{"cmd/penstock-demo/main.go", "cloud/server"},
		{"cmd/penstock-demo/main.go", "buffer"},
		{"gateway/testdata/anything.go", "cloud"},
	} {
		s, err := look(files(c.file, c.imports))
		if err != nil || len(s.breaches) != 0 || len(s.homeless) != 0 {
			t.Errorf("%s may import %s, found %v %v %v", c.file, c.imports, s.breaches, s.homeless, err)
		}
	}
}

// TestFolderWithoutRule: a new top-level folder is a decision, so it needs a line above.
func TestFolderWithoutRule(t *testing.T) {
	s, err := look(files("utils/strings.go", "sync/telemetry"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"utils/strings.go"}; !slices.Equal(s.homeless, want) {
		t.Fatalf("without a rule: %v, want %v", s.homeless, want)
	}
}

// files is a tree of one file with one import.
func files(file, imports string) fstest.MapFS {
	source := fmt.Sprintf("package p\n\nimport _ %q\n", module+imports)
	return fstest.MapFS{file: {Data: []byte(source)}}
}

// look parses every Go file, whatever its build tags, in this process: a list made by another program would go stale in the
// cache of go test.
func look(tree fs.FS) (survey, error) {
	s := survey{packages: map[int]int{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (skipped(d.Name()) || name != "." && ownModule(tree, name)):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		return s.file(tree, name)
	})
	return s, err
}

// skipped are the folders in which Go itself sees no packages of ours.
func skipped(name string) bool {
	return name == "testdata" || name == "node_modules" || len(name) > 1 && (name[0] == '.' || name[0] == '_')
}

// ownModule says that a folder is a module of its own, as rivals of a benchmark are: no room of this house.
func ownModule(tree fs.FS, dir string) bool {
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

func (s *survey) file(tree fs.FS, name string) error {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return err
	}
	folder := path.Dir(name)
	at := slices.IndexFunc(rules, func(r rule) bool { _, ok := match(r.room, folder, nil); return ok })
	if at < 0 {
		s.homeless = append(s.homeless, name)
		return nil
	}
	s.packages[at]++
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		ours, ok := strings.CutPrefix(imported, module)
		if !ok {
			continue
		}
		s.imports++
		if !rules[at].allows(folder, ours, strings.HasSuffix(name, "_test.go")) {
			s.breaches = append(s.breaches, breach{name, ours})
		}
	}
	return nil
}

func (r rule) allows(folder, imported string, test bool) bool {
	if imported == folder {
		return true
	}
	names, _ := match(r.room, folder, nil)
	allowed := r.code
	if test {
		allowed = slices.Concat(r.code, r.tests)
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		_, ok := match(pattern, imported, names)
		return ok
	})
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// match holds a folder against a pattern. names are what {x} stands for so far; what they stand for afterwards comes back.
func match(pattern, folder string, names map[string]string) (map[string]string, bool) {
	found := map[string]string{}
	below := strings.HasSuffix(pattern, "/...")
	want, have := strings.Split(strings.TrimSuffix(pattern, "/..."), "/"), strings.Split(folder, "/")
	if len(have) < len(want) || below != (len(have) > len(want)) {
		return nil, false
	}
	for i, w := range want {
		w = placeholder.ReplaceAllStringFunc(w, func(p string) string {
			name := strings.Trim(p, "{}")
			switch {
			case names[name] != "":
				return names[name]
			case found[name] == "":
				found[name] = have[i]
			}
			return found[name]
		})
		if w != "*" && w != have[i] {
			return nil, false
		}
	}
	return found, true
}
