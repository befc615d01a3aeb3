package rule_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/rule"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// journal is a log that may be read while it is written.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(b []byte) (int, error) { j.mu.Lock(); defer j.mu.Unlock(); return j.b.Write(b) }
func (j *journal) String() string              { j.mu.Lock(); defer j.mu.Unlock(); return j.b.String() }

// programs runs rules in real time, since programs do, puts oil_temp 90 and waits until done.
func programs(t *testing.T, rules string, done func(*journal, []rule.Stats) bool) string {
	t.Helper()
	cfg := load(t, rules)
	db, err := state.Open(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log := &journal{}
	e, err := rule.New(cfg, db, &hands{names: cfg.Points, seen: map[string]bool{}}, rule.Options{}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	e.Put([]telemetry.Sample{{Point: 0, Time: 1, Value: telemetry.Float64(90)}})
	for deadline := time.Now().Add(10 * time.Second); !done(log, e.Stats()); {
		if time.Now().After(deadline) {
			t.Fatalf("not done after 10 s: %s %+v", log, e.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return log.String()
}

func TestAProgramRunsWithoutShellAndEnvironment(t *testing.T) {
	t.Setenv("SECRET", "hush")
	said := programs(t, `  - {name: tell, when: press.oil_temp > 85, exec: {command: [/usr/bin/env, "-S", "env"]}}`, func(log *journal, _ []rule.Stats) bool {
		return strings.Contains(log.String(), "program run")
	})
	if !strings.Contains(said, `PENSTOCK_RULE=tell\nPENSTOCK_GATEWAY=plant7`) || !strings.Contains(said, "PATH=") || strings.Contains(said, "hush") {
		t.Errorf("it saw %s", said)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	programs(t, `  - {name: tell, when: press.oil_temp > 85, exec: {command: [/usr/bin/env, "echo", "${press.oil_temp}; touch `+mark+`"]}}`, func(log *journal, _ []rule.Stats) bool {
		return strings.Contains(log.String(), "90; touch "+mark)
	})
	if _, err := os.Stat(mark); err == nil {
		t.Error("a template's text was run by a shell")
	}
}

func TestAProgramThatHangsIsEndedWithWhatItStarted(t *testing.T) {
	said := programs(t, `  - {name: hang, when: press.oil_temp > 85, exec: {command: [/bin/sh, "-c", "echo here; sleep 60 & sleep 60"], timeout: 100ms}}`, func(_ *journal, s []rule.Stats) bool {
		return s[0].Errors == 1
	})
	if !strings.Contains(said, "ran longer than 100ms and was ended; it said: here") {
		t.Errorf("logged %s", said)
	}
}

func TestATalkativeProgramIsCutShort(t *testing.T) {
	said := programs(t, `  - {name: talk, when: press.oil_temp > 85, exec: {command: [/bin/sh, "-c", "head -c 1000000 /dev/zero | tr '\\0' x"]}}`, func(log *journal, _ []rule.Stats) bool {
		return strings.Contains(log.String(), "program run")
	})
	if len(said) > 5000 || !strings.Contains(said, "xxx ...") {
		t.Errorf("%d bytes are logged", len(said))
	}
}

func TestAProgramThatFailsSaysWhy(t *testing.T) {
	programs(t, `  - {name: fail, when: press.oil_temp > 85, exec: {command: [/bin/sh, "-c", "echo no horn >&2; exit 3"]}}`, func(_ *journal, s []rule.Stats) bool {
		return strings.Contains(s[0].LastError, "exit status 3; it said: no horn")
	})
}
