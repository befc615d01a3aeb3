package isolate

import (
	"context"
	"encoding/json"
	"log/slog"
)

// handler sends the adapter's lines to the log of the gateway.
type handler struct {
	server *server
	level  slog.Level
	with   []string // keys and values by turns
	group  string   // prefix of keys
}

// Enabled is the gateway's own level.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle sends one line.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	l := line{Level: r.Level, Text: r.Message, With: append([]string(nil), h.with...)}
	r.Attrs(func(a slog.Attr) bool {
		l.With = append(l.With, h.group+a.Key, a.Value.Resolve().String())
		return true
	})
	payload, err := json.Marshal(l)
	if err != nil {
		return err
	}
	h.server.out.Lock()
	defer h.server.out.Unlock()
	return h.server.put(frame{kindLog, 0, payload})
}

// WithAttrs keeps what every line is to carry.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	more.with = append([]string(nil), h.with...)
	for _, a := range attrs {
		more.with = append(more.with, h.group+a.Key, a.Value.Resolve().String())
	}
	return &more
}

// WithGroup puts a name before the keys.
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.group = h.group + name + "."
	return &more
}
