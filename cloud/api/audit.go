package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
)

// audit gives lines as they are in the log, the newest first.
func (a *api) audit(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	var before uint64
	if text := values.Get("before"); text != "" {
		n, err := strconv.ParseUint(text, 10, 62)
		if err != nil || n == 0 {
			return invalid("before is the number of a line, not %q", text)
		}
		before = n
	}
	most, err := parseCount(values, "max", pageUsual, pageMost)
	if err != nil {
		return err
	}
	found, err := a.o.Store.AuditTail(r.Context(), before, most)
	if err != nil {
		return err
	}
	lines := make([]json.RawMessage, len(found))
	for i, line := range found {
		if lines[i] = line; !json.Valid(line) { // somebody changed it: it is shown as the text it is
			lines[i], _ = json.Marshal(string(line)) // a text always is JSON
		}
	}
	res := page{"lines": lines}
	if len(found) == most {
		if last, err := audit.Parse(found[most-1]); err == nil && last.Seq > 1 {
			res["next"] = last.Seq
		}
	}
	reply(w, http.StatusOK, res)
	return nil
}

// exportWrite is how long a thousand lines may take to be read by whoever asked.
const exportWrite = 30 * time.Second

// auditExport streams the whole log, a line a line, to be kept elsewhere and verified there.
func (a *api) auditExport(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	out, ctrl := bufio.NewWriterSize(w, 64<<10), http.NewResponseController(w)
	var gone error
	err := a.o.Store.AuditLines(r.Context(), 0, func(seq uint64, line []byte) bool {
		if seq%1000 == 1 {
			_ = ctrl.SetWriteDeadline(time.Now().Add(exportWrite)) // where it can't be set the server's own holds
		}
		_, gone = out.Write(append(line, '\n'))
		return gone == nil
	})
	if err != nil {
		a.o.Log.Error("the export of the audit log is cut off", "err", err)
		panic(http.ErrAbortHandler) // an answer that has begun can only be broken off: whoever reads must not take it for whole
	}
	_ = out.Flush() // whoever asked may be gone
	return nil
}

// verdict says whether the log is as it was written.
type verdict struct {
	Lines  uint64 `json:"lines"` // that are as they were written, from the first on
	OK     bool   `json:"ok"`
	Broken string `json:"broken,omitempty"` // what does not fit, from the line behind those on
}

func (a *api) auditVerify(w http.ResponseWriter, r *http.Request) error {
	var head audit.Head
	var broken error
	err := a.o.Store.AuditLines(r.Context(), 0, func(_ uint64, line []byte) bool {
		broken = head.Verify(line)
		return broken == nil
	})
	if err != nil {
		return err
	}
	v := verdict{Lines: head.Seq, OK: broken == nil}
	if broken != nil {
		v.Broken = broken.Error()
		a.o.Log.Error("the audit log was changed: compare it with an export", "err", broken)
	}
	reply(w, http.StatusOK, v)
	return nil
}
