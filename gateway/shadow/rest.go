package shadow

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// The REST API's paths, as AWS IoT has them.
const (
	PathShadow = "/things/{thing}/shadow"
	PathNames  = "/api/things/shadow/ListNamedShadowsForThing/{thing}"
)

// Handler is the shadow service for programs on this machine: AWS IoT's REST API (data plane), whether the cloud is there or not. Whoever mounts
// it decides who may ask.
func (m *Mirror) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+PathShadow, m.serve(doc.OpGet))
	mux.HandleFunc("POST "+PathShadow, m.serve(doc.OpUpdate))
	mux.HandleFunc("DELETE "+PathShadow, m.serve(doc.OpDelete))
	mux.HandleFunc("GET "+PathNames, m.names)
	return mux
}

func (m *Mirror) serve(op doc.Op) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := doc.ID{Thing: r.PathValue("thing"), Name: r.URL.Query().Get("name")}
		if err := id.Validate(); err != nil {
			refuse(w, &doc.Error{Code: http.StatusBadRequest, Message: err.Error()})
			return
		}
		var payload []byte
		if op == doc.OpUpdate {
			var err error
			if payload, err = io.ReadAll(http.MaxBytesReader(w, r.Body, int64(m.o.Sync.Limits.Payload)+1)); err != nil && payload == nil {
				refuse(w, &doc.Error{Code: http.StatusBadRequest, Message: "the request's body ended early: send it again"})
				return
			}
		}
		reply, err := m.Answer(r.Context(), doc.Call{ID: id, Op: op, Payload: payload})
		if err != nil {
			m.o.Log.Error("a local request for a shadow", "shadow", id.String(), "err", err)
		}
		if reply.Refused != nil {
			refuse(w, reply.Refused)
			return
		}
		answer(w, http.StatusOK, reply.Payload)
	}
}

// names lists a thing's named shadows. All are in one page.
func (m *Mirror) names(w http.ResponseWriter, r *http.Request) {
	ids, err := m.store.ids()
	if err != nil {
		m.o.Log.Error("the shadows cannot be listed", "err", err)
		refuse(w, doc.InternalFailure())
		return
	}
	names := []string{}
	for _, id := range ids {
		if id.Thing != r.PathValue("thing") || id.Name == "" {
			continue
		}
		if d, err := m.store.Load(r.Context(), id); err == nil && d.Exists() {
			names = append(names, id.Name)
		}
	}
	slices.Sort(names)
	body, _ := json.Marshal(map[string]any{"results": names, "timestamp": m.o.Now().Unix()}) // always is JSON
	answer(w, http.StatusOK, body)
}

func refuse(w http.ResponseWriter, e *doc.Error) {
	w.Header().Set("x-amzn-errortype", e.Type())
	body, _ := json.Marshal(map[string]string{"message": e.Message}) // always is JSON
	answer(w, e.Code, body)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked may be gone
}
