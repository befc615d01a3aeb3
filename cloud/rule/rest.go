package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
)

// HTTP says who may use the REST API: people. Who gives the person who asks and the address they ask from; an empty name is nobody, and ok is false
// when somebody is known who is no person.
type HTTP struct {
	Who func(*http.Request) (p Person, ok bool)
}

type rest struct {
	HTTP
	e *Engine
}

// Handler is AWS IoT's REST API of rules (CreateTopicRule, ReplaceTopicRule, GetTopicRule, DeleteTopicRule, EnableTopicRule,
// DisableTopicRule, ListTopicRules) at /rules, with POST /rules/test, and what AWS IoT has not at /api/v1/rules/{rule}/.
func (e *Engine) Handler(h HTTP) http.Handler {
	s := &rest{h, e}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*http.Request, Person) (any, error){
		"POST /rules/{rule}":                        s.create,
		"PATCH /rules/{rule}":                       s.replace,
		"GET /rules/{rule}":                         s.get,
		"DELETE /rules/{rule}":                      s.remove,
		"POST /rules/{rule}/enable":                 s.enable,
		"POST /rules/{rule}/disable":                s.disable,
		"GET /rules":                                s.list,
		"POST /rules/test":                          s.test,
		"GET /api/v1/rules/{rule}/stats":            s.stats,
		"GET /api/v1/rules/{rule}/dead":             s.dead,
		"POST /api/v1/rules/{rule}/dead/{id}/retry": s.retry,
	} {
		mux.HandleFunc(pattern, s.serve(serve))
	}
	return mux
}

func (s *rest) serve(do func(*http.Request, Person) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, person := s.Who(r)
		switch {
		case !person:
			s.fail(w, http.StatusForbidden, "UnauthorizedException", apiError{Message: "rules are people's to change: log in, or send the admin token"})
			return
		case by.Name == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="penstock-cloud"`)
			s.fail(w, http.StatusUnauthorized, "UnauthorizedException", apiError{Message: "send the admin token in the header Authorization: Bearer TOKEN"})
			return
		}
		body, err := do(r, by)
		if err != nil {
			s.refuse(w, err)
			return
		}
		answer(w, http.StatusOK, body)
	}
}

// apiError is AWS's error, with the place where there is one.
type apiError struct {
	Message string `json:"message"`
	Trace   string `json:"traceId"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

func (s *rest) refuse(w http.ResponseWriter, err error) {
	f := apiError{Message: err.Error()}
	var syntax *sql.SyntaxError
	switch {
	case errors.As(err, &syntax):
		f.Line, f.Column = syntax.Line, syntax.Column
		s.fail(w, http.StatusBadRequest, "SqlParseException", f)
	case errors.Is(err, cloud.ErrInvalid):
		s.fail(w, http.StatusBadRequest, "InvalidRequestException", f)
	case errors.Is(err, cloud.ErrNotFound):
		s.fail(w, http.StatusNotFound, "ResourceNotFoundException", f)
	case errors.Is(err, cloud.ErrExists):
		s.fail(w, http.StatusConflict, "ResourceAlreadyExistsException", f)
	case errors.Is(err, cloud.ErrTooMany):
		s.fail(w, http.StatusConflict, "ConflictingResourceUpdateException", f)
	default:
		s.e.o.Log.Error("a request about rules was not served", "err", err)
		s.fail(w, http.StatusInternalServerError, "InternalException", apiError{Message: "Internal service failure"})
	}
}

func (s *rest) fail(w http.ResponseWriter, status int, kind string, f apiError) {
	f.Trace = newTrace()
	w.Header().Set("x-amzn-errortype", kind)
	answer(w, status, f)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // whoever asked may be gone
	}
}

func read(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxDocument+1))
	if err != nil {
		return nil, invalid{errors.New("the request's body ended early: send it again")}
	}
	return data, nil
}

func (s *rest) create(r *http.Request, by Person) (any, error) {
	data, err := read(r)
	if err == nil {
		err = s.e.Create(r.Context(), by, r.PathValue("rule"), data)
	}
	return nil, err
}

func (s *rest) replace(r *http.Request, by Person) (any, error) {
	data, err := read(r)
	if err == nil {
		err = s.e.Replace(r.Context(), by, r.PathValue("rule"), data)
	}
	return nil, err
}

func (s *rest) remove(r *http.Request, by Person) (any, error) {
	return nil, s.e.Delete(r.Context(), by, r.PathValue("rule"))
}

func (s *rest) enable(r *http.Request, by Person) (any, error) {
	return nil, s.e.Enable(r.Context(), by, r.PathValue("rule"), true)
}

func (s *rest) disable(r *http.Request, by Person) (any, error) {
	return nil, s.e.Enable(r.Context(), by, r.PathValue("rule"), false)
}

// seconds is a time as AWS's JSON has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func arn(name string) string { return "arn:penstock:iot:::rule/" + name }

func (s *rest) get(r *http.Request, _ Person) (any, error) {
	name := r.PathValue("rule")
	stored, err := s.e.o.Store.Rule(r.Context(), name)
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(stored.Document)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"ruleName": name, "sql": d.SQL, "description": d.Description, "createdAt": seconds(stored.Created),
		"actions": d.Actions, "ruleDisabled": d.Disabled, "awsIotSqlVersion": d.Version}
	if d.ErrorAction != nil {
		body["errorAction"] = d.ErrorAction
	}
	return map[string]any{"ruleArn": arn(name), "rule": body}, nil
}

type listed struct {
	ARN      string  `json:"ruleArn"`
	Name     string  `json:"ruleName"`
	Topic    string  `json:"topicPattern"`
	Created  float64 `json:"createdAt"`
	Disabled bool    `json:"ruleDisabled"`
}

// list pages by name: the token is the last name of the page before.
func (s *rest) list(r *http.Request, _ Person) (any, error) {
	q := r.URL.Query()
	most, err := number(q.Get("maxResults"), 1000)
	if err != nil {
		return nil, err
	}
	all, err := s.e.o.Store.Rules(r.Context())
	if err != nil {
		return nil, err
	}
	page, token := []listed{}, any(nil)
	for _, stored := range all {
		one, ok := lists(stored, q.Get("topic"), q.Get("ruleDisabled"))
		if !ok || stored.Name <= q.Get("nextToken") {
			continue
		}
		if len(page) == most {
			token = page[most-1].Name
			break
		}
		page = append(page, one)
	}
	return map[string]any{"rules": page, "nextToken": token}, nil
}

// lists is a rule as it is listed, and whether it is asked for: by a topic that it takes, and by being off or on.
func lists(stored cloud.Rule, topic, disabled string) (one listed, ok bool) {
	d, err := parseDocument(stored.Document)
	if err != nil {
		return one, false
	}
	statement, err := sql.Parse(d.SQL)
	if err != nil {
		return one, false
	}
	one = listed{ARN: arn(stored.Name), Name: stored.Name, Topic: statement.From(), Created: seconds(stored.Created), Disabled: d.Disabled}
	return one, (topic == "" || statement.From() != "" && statement.Matches(topic)) && (disabled == "" || disabled == strconv.FormatBool(d.Disabled))
}

func number(text string, most int) (int, error) {
	if text == "" {
		return min(most, 100), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalid{fmt.Errorf("%.20q is no number from 1 to %d", text, most)}
	}
	return n, nil
}

func (s *rest) stats(r *http.Request, _ Person) (any, error) {
	name := r.PathValue("rule")
	if _, err := s.e.o.Store.Rule(r.Context(), name); err != nil {
		return nil, err
	}
	waiting := map[string]int{}
	for queue, n := range s.e.Waiting() {
		if action, ok := strings.CutPrefix(queue, name+"/"); ok {
			waiting[action] = n
		}
	}
	return map[string]any{"rule": name, "counts": s.e.Stats()[name], "waiting": waiting}, nil
}

// deadItem is an execution that failed for good, as people see it.
type deadItem struct {
	ID      uint64          `json:"id"`
	Failed  time.Time       `json:"failed"`
	Action  int             `json:"action"` // -1: the error action
	Kind    string          `json:"kind"`
	Key     string          `json:"key"`
	Tries   int             `json:"tries"`
	Error   string          `json:"error"`
	Call    json.RawMessage `json:"call,omitempty"`
	Payload []byte          `json:"payload"` // base64
}

func (s *rest) dead(r *http.Request, _ Person) (any, error) {
	q := r.URL.Query()
	most, err := number(q.Get("max"), 1000)
	if err != nil {
		return nil, err
	}
	before, err := strconv.ParseUint("0"+q.Get("before"), 10, 62)
	if err != nil {
		return nil, invalid{errors.New("before is the id of the last one that is known")}
	}
	items, err := s.e.o.Store.DeadItems(r.Context(), r.PathValue("rule"), before, most)
	list := []deadItem{}
	for _, d := range items {
		list = append(list, deadItem{d.ID, d.Failed, d.Action, d.Kind, d.Key, d.Tries, d.Error, d.Call, d.Payload})
	}
	return map[string]any{"dead": list}, err
}

func (s *rest) retry(r *http.Request, by Person) (any, error) {
	name := r.PathValue("rule")
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 62)
	if err != nil {
		return nil, invalid{errors.New("the id of a dead item is a number")}
	}
	return nil, s.e.Retry(r.Context(), by, name, id)
}
