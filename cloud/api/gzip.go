package api

import (
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// packers are used again: making one costs more than packing a chart. BestSpeed, since an answer is asked for once.
var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return z
}}

// compressed packs answers for those who can unpack them, save for live events, which go out as they come.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if r.URL.Path == livePath || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := packers.Get().(*gzip.Writer)
		z.Reset(w)
		defer func() {
			_ = z.Close() // an asker that is gone needs no end
			packers.Put(z)
		}()
		next.ServeHTTP(packed{w, z}, r)
	})
}

type packed struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (p packed) Write(b []byte) (int, error) { return p.z.Write(b) }

// Unwrap is for deadlines (http.ResponseController). What is flushed through it is what z has let go.
func (p packed) Unwrap() http.ResponseWriter { return p.ResponseWriter }
