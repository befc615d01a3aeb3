package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
)

// memory is files that are not there, but for one.
type memory struct {
	path string
	text []byte
}

func (m memory) read(path string) ([]byte, error) {
	if path == m.path {
		return m.text, nil
	}
	return nil, fs.ErrNotExist
}

func (m memory) glob(pattern string) ([]string, error) {
	ok, err := filepath.Match(pattern, m.path)
	if err != nil || !ok {
		return nil, err
	}
	return []string{m.path}, nil
}

// FuzzLoad holds that no file, however broken, ends the program or takes more than its share, and that a
// file which can't be used says why.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, s := range seeds {
		text, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	loader := Loader{Kinds: []adapters.Kind{plainKind()}, Getenv: func(string) (string, bool) { return "x", true }}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		cfg, report := loader.load("templates/meter.yaml", memory{"templates/meter.yaml", text})
		if (cfg == nil) != (report.Errors() > 0) {
			t.Errorf("%d errors and the configuration %v", report.Errors(), cfg)
		}
		if len(report.Mistakes) > 2*maxMistakes+2 || cfg != nil && len(cfg.Points) > 2*maxPoints {
			t.Errorf("%d mistakes, no bound", len(report.Mistakes))
		}
		_ = report.String()
	})
}
