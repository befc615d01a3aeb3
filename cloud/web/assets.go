package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"mime"
	"net/http"
	"path"

	"github.com/klauspost/compress/gzip"
)

//go:embed static
var static embed.FS

// assets are the files that pages load. Their address holds a hash of all of them: a browser keeps each for good, and a new version of
// the program has new addresses.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	kind          string
	plain, packed []byte
}

func newAssets() *assets {
	a := &assets{files: map[string]asset{}}
	all := sha256.New()
	entries, err := static.ReadDir("static")
	if err != nil {
		panic("BUG: " + err.Error()) // it is in the binary
	}
	for _, e := range entries {
		text, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			panic("BUG: " + err.Error())
		}
		all.Write(text) // never fails (hash.Hash)
		a.files[e.Name()] = asset{kindOf(e.Name()), text, pack(text)}
	}
	a.version = hex.EncodeToString(all.Sum(nil)[:6])
	return a
}

// kindOf does not ask the machine's own table, which may be wrong or missing, for the kinds that matter.
func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".LICENSE":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

func pack(text []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	_, _ = z.Write(text) // a bytes.Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

func (a *assets) path(file string) string { return "/static/" + a.version + "/" + file }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.PathValue("file")]
	if !ok {
		http.Error(w, "there is no such file: reload the page", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	if r.PathValue("version") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := file.plain
	h.Add("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = file.packed
	}
	_, _ = w.Write(body) // whoever asked may be gone
}
