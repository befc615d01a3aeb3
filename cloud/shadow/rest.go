package shadow

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// HTTP says who may use the REST API.
type HTTP struct {
	// Caller says who asks; false: nobody is known by this request.
	Caller func(*http.Request) (Caller, bool)
	// May says whether a thing may publish on a topic: what it may do by MQTT it may do here. Persons may everything.
	May func(thing, topic string) bool
}

// The REST API's paths, for whoever mounts the handler.
const (
	PathShadow = "/things/{thing}/shadow"
	PathNames  = "/api/things/shadow/ListNamedShadowsForThing/{thing}"
)

type rest struct {
	HTTP
	room *Room
}

// Handler is AWS IoT's REST API of shadows (data plane): GetThingShadow, UpdateThingShadow, DeleteThingShadow at PathShadow and
// ListNamedShadowsForThing at PathNames.
func (r *Room) Handler(h HTTP) http.Handler {
	s := &rest{h, r}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+PathShadow, s.shadow(doc.OpGet))
	mux.HandleFunc("POST "+PathShadow, s.shadow(doc.OpUpdate))
	mux.HandleFunc("DELETE "+PathShadow, s.shadow(doc.OpDelete))
	mux.HandleFunc("GET "+PathNames, s.names)
	return mux
}

func (s *rest) shadow(op doc.Op) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := doc.ID{Thing: r.PathValue("thing"), Name: r.URL.Query().Get("name")}
		by, refused := s.admit(r, id, op)
		if refused != nil {
			refuse(w, refused)
			return
		}
		payload, err := s.body(r, op)
		if err != nil {
			refuse(w, &doc.Error{Code: http.StatusBadRequest, Message: "the request's body ended early: send it again"})
			return
		}
		reply := s.room.Call(r.Context(), by, doc.Call{ID: id, Op: op, Payload: payload})
		if reply.Refused != nil {
			refuse(w, reply.Refused)
			return
		}
		answer(w, http.StatusOK, reply.Payload)
	}
}

// body reads no more than one byte above the limit, which the room then refuses. Only an update has a body.
func (s *rest) body(r *http.Request, op doc.Op) ([]byte, error) {
	if op != doc.OpUpdate {
		return nil, nil
	}
	l := s.room.o.Limits
	return io.ReadAll(io.LimitReader(r.Body, int64(max(128<<10, 4*l.State, l.Payload)+1)))
}

// admit finds who asks, and whether they may.
func (s *rest) admit(r *http.Request, id doc.ID, op doc.Op) (Caller, *doc.Error) {
	if err := id.Validate(); err != nil {
		return Caller{}, &doc.Error{Code: http.StatusBadRequest, Message: err.Error()}
	}
	by, known := s.Caller(r)
	switch {
	case !known:
		return by, doc.Unauthorized()
	case by.Person == "" && !s.May(by.Thing, doc.Topic{ID: id, Op: op}.String()):
		return by, doc.Forbidden()
	}
	if by.Connection == "" {
		by.Connection = r.RemoteAddr
	}
	return by, nil
}

// refuse answers as AWS's REST API does.
func refuse(w http.ResponseWriter, e *doc.Error) {
	w.Header().Set("x-amzn-errortype", e.Type())
	if e.Code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="penstock-cloud"`)
	}
	body, _ := json.Marshal(map[string]string{"message": e.Message, "traceId": trace()}) // two strings always are JSON
	answer(w, e.Code, body)
}

// trace is a random UUID (RFC 9562, version 4) by which an answer can be told from others.
func trace() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked may be gone
}
