package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/sync/audit"
)

func (s *site) note(n int) {
	s.t.Helper()
	for i := range n {
		if err := s.Audit(s.t.Context(), audit.Entry{Who: "anna", Action: "test", Object: fmt.Sprint(i), Outcome: audit.Done}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestAuditIsListedExportedAndVerified(t *testing.T) {
	s := newSite(t)
	s.note(5)
	var lines []audit.Record
	var next uint64
	s.want(200, "GET", "/api/v1/audit?max=2&before=5", "", "lines", &lines)
	s.want(200, "GET", "/api/v1/audit?max=2&before=5", "", "next", &next)
	if len(lines) != 2 || lines[0].Seq != 4 || lines[1].Seq != 3 || next != 3 {
		t.Errorf("two lines before the fifth are %+v, then %d", lines, next)
	}
	if _, answer := s.ask("GET", "/api/v1/audit?max=5", ""); answer["next"] != nil {
		t.Errorf("behind the first line comes %s", answer["next"])
	}
	s.want(400, "GET", "/api/v1/audit?before=x", "", "", nil)

	var head audit.Head
	export := s.raw("GET", "/api/v1/audit/export", "")
	for line := range bytes.Lines(export.Body.Bytes()) {
		if err := head.Verify(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			t.Error(err)
		}
	}
	if head.Seq != 5 || export.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("the export has %d lines of %s", head.Seq, export.Header().Get("Content-Type"))
	}
	var ok bool
	if s.want(200, "GET", "/api/v1/audit/verify", "", "ok", &ok); !ok {
		t.Error("an untouched log is broken")
	}
}

// forged is a store in whose log somebody has changed a line.
type forged struct{ *site }

func (f forged) AuditLines(ctx context.Context, after uint64, yield func(uint64, []byte) bool) error {
	return f.site.AuditLines(ctx, after, func(seq uint64, line []byte) bool {
		if seq == 3 {
			line = bytes.Replace(line, []byte("anna"), []byte("ben"), 1)
		}
		return yield(seq, line)
	})
}

func (f forged) AuditTail(ctx context.Context, before uint64, most int) ([][]byte, error) {
	lines, err := f.site.AuditTail(ctx, before, most)
	lines[0] = []byte(`{"seq": `)
	return lines, err
}

func TestChangedAuditLogShows(t *testing.T) {
	s := newSite(t)
	s.note(5)
	s.handler = New(Options{Store: forged{s}, Log: slog.New(slog.DiscardHandler)})
	var ok bool
	var lines uint64
	var broken string
	s.want(200, "GET", "/api/v1/audit/verify", "", "ok", &ok)
	s.want(200, "GET", "/api/v1/audit/verify", "", "lines", &lines)
	s.want(200, "GET", "/api/v1/audit/verify", "", "broken", &broken)
	if ok || lines != 3 || !strings.Contains(broken, "line 4") {
		t.Errorf("ok %v after %d lines: %q", ok, lines, broken)
	}
	var all []any
	if s.want(200, "GET", "/api/v1/audit", "", "lines", &all); len(all) != 5 || all[0] != `{"seq": ` {
		t.Errorf("lines are %v", all)
	}
}
