package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
)

//go:embed templates
var templates embed.FS

// page is one page, before it is HTML.
type page struct {
	name   string // of its template
	status int    // 0: OK

	Title    string
	Section  string // fleet or things: what the header marks
	Live     string // the thing whose live values the page shows
	LoggedIn bool
	Now      int64 // the server's clock, ms since 1970: ages count from it, not from the browser's
	Data     any
}

// pages are the templates, each within the layout.
type pages map[string]*template.Template

func newPages(a *assets) pages {
	base := template.New("layout.html").Funcs(template.FuncMap{
		"asset": a.path, "count": counted, "many": many, "rate": rate, "gatewayPath": gatewayPath, "utc": utc, "ms": unixMilli,
	})
	base = template.Must(base.ParseFS(templates, "templates/layout.html", "templates/part_*.html"))
	all := pages{}
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "part_") {
			continue
		}
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(templates, file))
	}
	return all
}

// write sends a page whole or not at all.
func (p pages) write(w http.ResponseWriter, r *http.Request, one page) error {
	t := p[one.name]
	if t == nil {
		panic("BUG: no template " + one.name)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, one); err != nil {
		http.Error(w, "The server met an error while it made this page; its log says which.", http.StatusInternalServerError)
		return fmt.Errorf("make the page %s: %w", one.name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	packed := takesGzip(r)
	if packed {
		h.Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(max(one.status, http.StatusOK))
	if !packed {
		_, err := w.Write(text.Bytes())
		return err
	}
	z := gzip.NewWriter(w)
	if _, err := z.Write(text.Bytes()); err != nil {
		return err
	}
	return z.Close()
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}
