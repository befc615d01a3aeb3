package api

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// compressed packs answers for those who can unpack them, save for live events, which go out as they come.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if r.URL.Path == livePath || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close() // an asker that is gone needs no end
		next.ServeHTTP(packed{w, z}, r)
	})
}

type packed struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (p packed) Write(b []byte) (int, error) { return p.z.Write(b) }
