package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// maxWait bounds how long an answer is waited for: below the time after which the server ends a request.
const maxWait = 45 * time.Second

// write asks a gateway to write a value. 202: the command is on its way, and will be what GET /api/v1/commands/{execution} says.
func (a *api) write(w http.ResponseWriter, r *http.Request) error {
	ask := struct {
		Value json.RawMessage `json:"value"`
		TTL   string          `json:"ttl"`
	}{TTL: "1m"}
	if err := read(w, r, &ask, `{"value": 42.5, "ttl": "1m"}`); err != nil {
		return err
	}
	ttl, err := time.ParseDuration(ask.TTL)
	if err != nil {
		return invalid("ttl is a time as 30s or 24h, not %q", ask.TTL)
	}
	wait, err := parseWait(r.URL.Query())
	if err != nil {
		return err
	}
	c, err := a.o.Commands.Create(r.Context(), cloud.CommandAsk{Gateway: r.PathValue("thing"), Point: r.PathValue("p"), Value: ask.Value,
		Who: a.o.Who(r), From: r.RemoteAddr, TTL: ttl})
	if err != nil {
		return err
	}
	if wait > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		if c, err = a.o.Commands.Wait(ctx, c.Execution); err != nil {
			return err
		}
	}
	status := http.StatusAccepted
	if c.Status.Final() {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/api/v1/commands/"+c.Execution)
	reply(w, status, c)
	return nil
}

func parseWait(values url.Values) (time.Duration, error) {
	text := values.Get("wait")
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, invalid("wait is a time up to %v as 5s, not %q", maxWait, text)
	}
	return wait, nil
}

func (a *api) command(w http.ResponseWriter, r *http.Request) error {
	c, err := a.o.Store.Command(r.Context(), r.PathValue("execution"))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, c)
	return nil
}

func (a *api) commands(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	q := cloud.CommandQuery{Gateway: values.Get("gateway"), Before: values.Get("before")}
	if q.Gateway != "" {
		if _, err := a.o.Store.Thing(r.Context(), q.Gateway); err != nil {
			return err
		}
	}
	switch state := values.Get("state"); state {
	case "", "all":
	case "open":
		q.Open = true
	default:
		return invalid("state is open or all, not %q", state)
	}
	var err error
	if q.Max, err = parseCount(values, "max", pageUsual, pageMost); err != nil {
		return err
	}
	list, err := a.o.Store.Commands(r.Context(), q)
	if err != nil {
		return err
	}
	if list == nil {
		list = []cloud.Command{}
	}
	next := ""
	if len(list) == q.Max {
		next = list[len(list)-1].Execution
	}
	reply(w, http.StatusOK, page{"commands": list}.next(next))
	return nil
}
