package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/cloud"
)

// Operator does what people ask for on the pages. who is their name, from where they ask: both are for the audit log.
type Operator interface {
	Acknowledge(ctx context.Context, thing, alarm, who, comment, from string) error
	// Desire sets what a thing's shadow desires under a key. It works while the thing is away.
	Desire(ctx context.Context, thing, key string, value json.RawMessage, who, from string) error
	// Shadow is what is desired and reported; both are nil when there is none.
	Shadow(ctx context.Context, thing string) (desired, reported map[string]any, err error)
	// Command asks a gateway to write, and waits a moment for what comes of it.
	Command(ctx context.Context, gateway, point string, value json.RawMessage, who, from string) (execution string, err error)
}

// maxForm bounds what a form sends, in bytes.
const maxForm = 16 << 10

// doing carries out a form for those who are logged in and shows the page that do names. (The server refuses forms of other sites.)
func (w *web) doing(do func(*http.Request) (to string, err error)) http.Handler {
	return w.closed(func(r *http.Request) (page, error) {
		r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			return page{}, refused{"The form was not understood: send it again.", r.URL.Path}
		}
		to, err := do(r)
		if err == nil {
			err = moved(to)
		}
		return page{}, err
	})
}

// refused is the error of what was asked for and is not done; the text says why.
type refused struct{ text, back string }

func (e refused) Error() string { return e.text }

// why says what an operation's error is to people; others are for the log.
func why(err error, back string) error {
	for _, known := range []error{cloud.ErrConflict, cloud.ErrInvalid, cloud.ErrTooMany, cloud.ErrNotFound} {
		if errors.Is(err, known) {
			return refused{err.Error(), back}
		}
	}
	return err
}

func (w *web) acknowledge(r *http.Request) (to string, err error) {
	err = w.o.Operator.Acknowledge(r.Context(), r.PathValue("thing"), r.PathValue("alarm"), w.o.Who(r), r.PostFormValue("comment"), r.RemoteAddr)
	return "/alarms", why(err, "/alarms")
}

// setpoint sets a point: by its device's shadow where the gateway lets it, else by a command.
func (w *web) setpoint(r *http.Request) (to string, err error) {
	gateway, name := r.PathValue("thing"), r.PathValue("p")
	t, err := w.o.Store.Thing(r.Context(), gateway)
	if err != nil {
		return "", err
	}
	to = gatewayPath(gateway) + "/points/" + url.PathEscape(name)
	p, known := w.births.read(t).named[name]
	value := jsonOf(r.PostFormValue("value"))
	switch device, key, _ := strings.Cut(name, "."); {
	case !known || p.Access != "rw":
		return to, refused{name + " cannot be written.", to}
	case p.Shadow:
		return to, why(w.o.Operator.Desire(r.Context(), gateway+":"+device, key, value, w.o.Who(r), r.RemoteAddr), to)
	case !p.Command:
		return to, refused{"The gateway does not let the cloud write " + name + ": name it under shadow: or commands: of its cloud target.", to}
	}
	execution, err := w.o.Operator.Command(r.Context(), gateway, name, value, w.o.Who(r), r.RemoteAddr)
	return to + "?told=" + url.QueryEscape(execution), why(err, to)
}

// jsonOf is what a person typed: a number, true or false, else text.
func jsonOf(text string) json.RawMessage {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) || text == "true" || text == "false" {
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("BUG: a text is no JSON: " + err.Error())
	}
	return quoted
}
