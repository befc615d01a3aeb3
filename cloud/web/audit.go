package web

import (
	"net/http"
	"strconv"

	"github.com/penstock-edge/penstock/sync/audit"
)

// auditRows is how many lines one page lists.
const auditRows = 100

// auditView is the page of who asked for what.
type auditView struct {
	Rows     []auditRow
	More     string
	Verified string // what came of verifying; empty: it was not asked for
	Broken   bool
}

type auditRow struct {
	At    int64
	Time  string
	Seq   uint64
	Class string // of the outcome
	Value string
	audit.Record
}

func (w *web) audit(r *http.Request) (page, error) {
	before, _ := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64) // none: the end
	lines, err := w.o.Store.AuditTail(r.Context(), before, auditRows)
	if err != nil {
		return page{}, err
	}
	v := &auditView{}
	for _, line := range lines {
		rec, err := audit.Parse(line)
		if err != nil {
			v.Broken, v.Verified = true, err.Error()
			continue
		}
		row := auditRow{At: rec.Time.UnixMilli(), Time: utc(rec.Time), Seq: rec.Seq, Record: rec, Value: rec.Details["value"]}
		if rec.Outcome == audit.Refused || rec.Outcome == audit.Failed {
			row.Class = "bad"
		}
		v.Rows = append(v.Rows, row)
	}
	if n := len(v.Rows); n == auditRows && v.Rows[n-1].Seq > 1 {
		v.More = "/audit?before=" + strconv.FormatUint(v.Rows[n-1].Seq, 10)
	}
	if r.URL.Query().Has("verify") {
		err = w.verify(r, v)
	}
	return page{name: "audit", Title: "Audit", Section: "audit", Data: v}, err
}

// verify reads the whole chain.
func (w *web) verify(r *http.Request, v *auditView) error {
	var head audit.Head
	var broken error
	err := w.o.Store.AuditLines(r.Context(), 0, func(_ uint64, line []byte) bool {
		broken = head.Verify(line)
		return broken == nil
	})
	if broken != nil {
		v.Broken, v.Verified = true, broken.Error()
		return err
	}
	v.Verified = counted(int(head.Seq)) + " lines, as they were written."
	return err
}
