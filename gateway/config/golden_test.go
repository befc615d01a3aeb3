package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/gateway/config"
)

var update = flag.Bool("update", false, "write what the bad files give as what they shall give")

// goldenLoader knows the fake protocols and two variables only.
func goldenLoader() config.Loader {
	return config.Loader{Kinds: fakeKinds(), Getenv: func(name string) (string, bool) {
		return map[string]string{"PASSWORD": "from-the-environment", "NOT_A_NUMBER": "hunter2"}[name], name == "PASSWORD" || name == "NOT_A_NUMBER"
	}}
}

func golden(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden file testdata/%s: %v", pattern, err)
	}
	return files
}

func TestGoodFilesLoad(t *testing.T) {
	for _, file := range golden(t, "*.good.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".good.yaml"), func(t *testing.T) {
			cfg, report := goldenLoader().Load(file)
			if len(report.Mistakes) > 0 || cfg == nil {
				t.Errorf("a good file has mistakes:\n%s", report)
			}
		})
	}
}

func TestBadFilesSayWhatIsWrong(t *testing.T) {
	files := golden(t, "*.bad.yaml")
	if len(files) < 50 {
		t.Errorf("%d bad files; there were 50 and more", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".bad.yaml"), func(t *testing.T) {
			cfg, report := goldenLoader().Load(file)
			if len(report.Mistakes) == 0 {
				t.Fatal("nothing was found wrong")
			}
			if (cfg == nil) != (report.Errors() > 0) {
				t.Errorf("%d errors and the configuration %v", report.Errors(), cfg)
			}
			compare(t, strings.TrimSuffix(file, ".yaml")+".txt", report.String())
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("it says\n%s\nand shall say\n%s", got, want)
	}
}
