package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Alarm is one alarm as it is now.
type Alarm struct {
	Name         string     `json:"name"`
	State        string     `json:"state"` // ISA-18.2: normal, unacknowledged, acknowledged, returned unacknowledged, shelved, suppressed, out of service
	Severity     string     `json:"severity,omitempty"`
	Text         string     `json:"text,omitempty"`
	Since        *time.Time `json:"since,omitempty"` // of the state; nil: ever
	Until        *time.Time `json:"until,omitempty"` // of a shelved alarm
	Acknowledged string     `json:"acknowledged_by,omitempty"`
}

// Waits reports whether somebody is asked to acknowledge it.
func (a Alarm) Waits() bool {
	return a.State == "unacknowledged" || a.State == "returned unacknowledged"
}

// Operation is what a person does with an alarm.
type Operation struct {
	Alarm   string    `json:"-"`
	Do      string    `json:"-"` // acknowledge, shelve, unshelve, out-of-service, in-service
	Who     string    `json:"who"`
	Comment string    `json:"comment"`
	Until   time.Time `json:"until"` // with shelve
}

// ErrNoAlarm: no rule raises an alarm of that name.
var ErrNoAlarm = errors.New("no such alarm")

// Panel is the gateway's alarms as this room sees them.
type Panel interface {
	Alarms() []Alarm
	// Operate changes an alarm; ErrNoAlarm, or why not.
	Operate(ctx context.Context, o Operation) error
}

// alarms adds what alarms need. Unlike writing, acknowledging is open on the page's port: it changes what people are told, not the plant. A
// foreign page in a browser on this machine is kept out by where it comes from.
func (s *Server) alarms(mux *http.ServeMux) {
	foreign := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /api/v1/alarms", func(w http.ResponseWriter, _ *http.Request) { s.reply(w, s.source.Alarms()) })
	mux.Handle("POST /api/v1/alarms/{alarm}/{do}", foreign.Handler(http.HandlerFunc(s.operate)))
	mux.Handle("POST /alarms/{alarm}/acknowledge", foreign.Handler(http.HandlerFunc(s.press)))
}

// operate is for programs.
func (s *Server) operate(w http.ResponseWriter, r *http.Request) {
	var o Operation
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10)).Decode(&o); err != nil {
		s.refuse(w, http.StatusBadRequest, fmt.Errorf("want {\"who\": \"...\", \"comment\": \"...\"}: %w", err))
		return
	}
	o.Alarm, o.Do = r.PathValue("alarm"), r.PathValue("do")
	err := s.source.Operate(r.Context(), o)
	switch {
	case errors.Is(err, ErrNoAlarm):
		s.refuse(w, http.StatusNotFound, err)
	case err != nil:
		s.refuse(w, http.StatusConflict, err)
	default:
		s.reply(w, s.source.Alarms())
	}
}

// press is the page's button.
func (s *Server) press(w http.ResponseWriter, r *http.Request) {
	o := Operation{Alarm: r.PathValue("alarm"), Do: "acknowledge", Who: "local page"}
	if err := s.source.Operate(r.Context(), o); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// alarmCard shows what is not normal.
func (m *markup) alarmCard(alarms []Alarm, now time.Time) {
	shown := 0
	for _, a := range alarms {
		if a.State == "normal" {
			continue
		}
		if shown++; shown == 1 {
			m.raw(`<div class="card alarms"><h2>Alarms</h2>`)
		}
		m.alarm(a, now)
	}
	if shown > 0 {
		m.raw(`</div>`)
	}
}

func (m *markup) alarm(a Alarm, now time.Time) {
	sign := literal(`<p><span class="dim">◌</span> `)
	if a.Waits() {
		sign = `<p><span class="bad">▲</span> `
	} else if a.State == "acknowledged" {
		sign = `<p><span class="late">△</span> `
	}
	m.raw(sign)
	m.f(`<b>%s</b> %s <span class="dim">%s, %s, %s`, a.Name, a.Text, a.Severity, a.State, age(a.Since, now))
	if a.Acknowledged != "" {
		m.f(`, by %s`, a.Acknowledged)
	}
	m.raw(`</span>`)
	if a.Waits() {
		m.f(` <form method="post" action="/alarms/%s/acknowledge"><button>Acknowledge</button></form>`, url.PathEscape(a.Name))
	}
	m.raw(`</p>`)
}
