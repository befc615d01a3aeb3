package status

import (
	"net/http"
	"strconv"
)

// Log is the gateway's audit log as this room sees it.
type Log interface {
	// AuditTail gives the last lines of the chain, newest last.
	AuditTail(max int) ([][]byte, error)
	// AuditVerify reads the whole chain, says how many lines it has, and which one was changed.
	AuditVerify() (lines uint64, err error)
}

// maxTail bounds one answer.
const maxTail = 10_000

// audit adds the log, to the socket only: it names people.
func (s *Server) audit(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/audit", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.FormValue("max"))
		if err != nil || n < 1 || n > maxTail {
			n = 100
		}
		lines, err := s.source.AuditTail(n)
		if err != nil {
			s.refuse(w, http.StatusInternalServerError, err)
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, line := range lines {
			_, _ = w.Write(append(line, '\n')) // a reader that is gone needs no more
		}
	})
	mux.HandleFunc("GET /api/v1/audit/verify", func(w http.ResponseWriter, _ *http.Request) {
		lines, err := s.source.AuditVerify()
		if err != nil {
			s.refuse(w, http.StatusConflict, err)
			return
		}
		s.reply(w, map[string]uint64{"lines": lines})
	})
}
