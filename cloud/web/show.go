package web

import (
	"errors"
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
)

// show makes a page of a request.
type show func(*http.Request) (page, error)

// moved is the error of a page that is elsewhere.
type moved string

func (m moved) Error() string { return "moved to " + string(m) }

// absent is the error of a page that is not there; the text says what is not, and Back where to go.
type absent struct{ text, back, backText string }

func (a absent) Error() string { return a.text }

// closed shows a page to those who are logged in, and sends everybody else to log in.
func (w *web) closed(f show) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch {
		case w.o.LoggedIn(r):
			w.open(f).ServeHTTP(out, r)
		case r.Header.Get("HX-Request") != "": // a part of a page: the page as a whole goes
			out.Header().Set("HX-Redirect", "/login")
			out.WriteHeader(http.StatusUnauthorized)
		default:
			http.Redirect(out, r, "/login", http.StatusSeeOther)
		}
	})
}

func (w *web) open(f show) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		p, err := f(r)
		var to moved
		switch {
		case errors.As(err, &to):
			http.Redirect(out, r, string(to), http.StatusSeeOther)
			return
		case r.Context().Err() != nil:
			return // nobody waits for it any more
		case err != nil:
			p = w.failure(r, err)
		}
		p.LoggedIn, p.Now = w.o.LoggedIn(r), w.now().UnixMilli()
		if err := w.pages.write(out, r, p); err != nil {
			w.o.Log.Warn("page", "path", r.URL.Path, "err", err)
		}
	})
}

// failure is the page of an error. What nobody expected is in the log and not on the page.
func (w *web) failure(r *http.Request, err error) page {
	var a absent
	var no refused
	switch {
	case errors.As(err, &a):
	case errors.As(err, &no):
		return page{name: "error", status: http.StatusConflict, Title: "Not done", Data: errorView{no.text, no.back, "Back"}}
	case errors.Is(err, cloud.ErrNotFound):
		a = absent{text: "There is nothing of this name here.", back: "/", backText: "All gateways"}
	default:
		w.o.Log.Error("page", "path", r.URL.Path, "err", err)
		return page{name: "error", status: http.StatusInternalServerError, Title: "Something went wrong", Data: errorView{
			Text: "The server met an error; its log says which (journalctl -u penstock-cloud). Nothing that was stored is lost. Try again; " +
				"if it stays, look whether the disk is full.",
			Back: r.URL.RequestURI(), BackText: "Try again",
		}}
	}
	return page{name: "error", status: http.StatusNotFound, Title: "Not found", Data: errorView{a.text, a.back, a.backText}}
}

type errorView struct{ Text, Back, BackText string }

func (w *web) lost(*http.Request) (page, error) {
	return page{}, absent{"There is no page at this address.", "/", "All gateways"}
}

func (w *web) toFleet(*http.Request) (page, error) { return page{}, moved("/") }

func (w *web) toGateway(r *http.Request) (page, error) {
	return page{}, moved(gatewayPath(r.PathValue("thing")))
}

func (w *web) login(r *http.Request) (page, error) {
	if w.o.LoggedIn(r) {
		return page{}, moved("/")
	}
	wrong := r.URL.Query().Has("error")
	p := page{name: "login", Title: "Log in", Data: wrong}
	if wrong {
		p.status = http.StatusUnauthorized
	}
	return p, nil
}
