package shadow_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/cloud/shadow"
)

// serve offers the REST API. The header Who says who asks: "thing press", "person anna", or nobody.
func (p *plant) serve() *httptest.Server {
	s := httptest.NewServer(p.Handler(shadow.HTTP{
		Caller: func(r *http.Request) (shadow.Caller, bool) {
			kind, name, known := strings.Cut(r.Header.Get("Who"), " ")
			if kind == "thing" {
				return shadow.Caller{Thing: name}, known
			}
			return shadow.Caller{Person: name}, known
		},
		May: func(thing, topic string) bool { return strings.HasPrefix(topic, "$aws/things/"+thing+"/") },
	}))
	p.t.Cleanup(s.Close)
	return s
}

// result is an answer of the REST API.
type result struct {
	code  int
	kind  string // x-amzn-errortype
	body  string
	field map[string]any
}

func rest(t *testing.T, s *httptest.Server, who, method, path, body string) (r result) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Who", who)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	r = result{code: res.StatusCode, kind: res.Header.Get("x-amzn-errortype"), body: string(all)}
	_ = json.Unmarshal(all, &r.field) // the tests look at what is in it
	return r
}

// TestDS9_REST: what MQTT does, by REST: the same documents, errors by their status, name and message, and messages for subscribers of
// what was changed, and of nothing else.
func TestDS9_REST(t *testing.T) {
	p := newPlant(t, nil)
	s := p.serve()
	for _, c := range []struct {
		name, who, method, path, body string
		code                          int
		answer                        string // an error's name; else a piece of the body
		told                          []string
	}{
		{"nothing there", "person anna", "GET", "/things/press/shadow", "", 404, "ResourceNotFoundException", nil},
		{"the first", "person anna", "POST", "/things/press/shadow", `{"state":{"desired":{"a":1}},"clientToken":"t"}`, 200, `"version":1`, []string{"update/accepted", "update/delta", "update/documents"}},
		{"by its thing", "thing press", "POST", "/things/press/shadow", `{"state":{"reported":{"a":1}}}`, 200, `"version":2`, []string{"update/accepted", "update/documents"}},
		{"read", "thing press", "GET", "/things/press/shadow", "", 200, `"desired":{"a":1}`, nil},
		{"an old version", "person anna", "POST", "/things/press/shadow", `{"state":{},"version":1}`, 409, "ConflictException", nil},
		{"no JSON", "person anna", "POST", "/things/press/shadow", `{`, 400, "InvalidRequestException", nil},
		{"no body", "person anna", "POST", "/things/press/shadow", ``, 400, "InvalidRequestException", nil},
		{"too large a state", "person anna", "POST", "/things/press/shadow", `{"state":{"desired":{"a":"` + strings.Repeat("x", 9<<10) + `"}}}`, 413, "RequestEntityTooLargeException", nil},
		{"too large a body", "person anna", "POST", "/things/press/shadow", `{"state":{"desired":{"a":"` + strings.Repeat("x", 200<<10) + `"}}}`, 413, "RequestEntityTooLargeException", nil},
		{"no UTF-8", "person anna", "POST", "/things/press/shadow", "{\"state\":{\"desired\":{\"a\":\"\xff\"}}}", 415, "UnsupportedDocumentEncodingException", nil},
		{"a named one", "person anna", "POST", "/things/press/shadow?name=recipe", `{"state":{"desired":{"a":1}}}`, 200, `"version":1`, []string{"name/recipe/update/accepted", "name/recipe/update/delta", "name/recipe/update/documents"}},
		{"a bad name", "person anna", "GET", "/things/press/shadow?name=a%20b", "", 400, "InvalidRequestException", nil},
		{"a bad thing", "person anna", "GET", "/things/pr%2Fess/shadow", "", 400, "InvalidRequestException", nil},
		{"another thing's", "thing saw", "GET", "/things/press/shadow", "", 403, "UnauthorizedException", nil},
		{"nobody", "", "POST", "/things/press/shadow", `{"state":{}}`, 401, "UnauthorizedException", nil},
		{"deleted", "person anna", "DELETE", "/things/press/shadow?name=recipe", "", 200, `"version":1`, []string{"name/recipe/delete/accepted"}},
		{"deleted again", "person anna", "DELETE", "/things/press/shadow?name=recipe", "", 404, "ResourceNotFoundException", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rest(t, s, c.who, c.method, c.path, c.body)
			if r.code != c.code || (r.code == 200) != (r.kind == "") || !strings.Contains(r.kind+r.body, c.answer) {
				t.Errorf("%+v", r)
			}
			if message, _ := r.field["message"].(string); r.code != 200 && (message == "" || r.field["traceId"] == "") {
				t.Errorf("an error says nothing: %s", r.body)
			}
			var told []string
			for _, m := range p.published() {
				told = append(told, strings.TrimPrefix(m.Topic, press))
			}
			if !slices.Equal(told, c.told) {
				t.Errorf("published on %v, want %v", told, c.told)
			}
		})
	}
}

// TestDS9_ListNamedShadows: page by page, by name, without the classic one; a thing that nobody knows has none.
func TestDS9_ListNamedShadows(t *testing.T) {
	p := newPlant(t, nil)
	s := p.serve()
	rest(t, s, "person anna", "POST", "/things/press/shadow", `{"state":{"desired":{"a":1}}}`)
	for i := range 60 {
		rest(t, s, "person anna", "POST", fmt.Sprintf("/things/press/shadow?name=n%02d", i), `{"state":{"desired":{"a":1}}}`)
	}
	const path = "/api/things/shadow/ListNamedShadowsForThing/"
	list := func(thing, query string) (names []string, next string) {
		r := rest(t, s, "person anna", "GET", path+thing+"?"+query, "")
		results, ok := r.field["results"].([]any)
		if r.code != 200 || !ok || r.field["timestamp"] == nil {
			t.Fatalf("%+v", r)
		}
		for _, n := range results {
			names = append(names, n.(string))
		}
		next, _ = r.field["nextToken"].(string)
		return names, next
	}
	var all []string
	for next := ""; ; {
		names, more := list("press", "pageSize=20&nextToken="+url.QueryEscape(next))
		all = append(all, names...)
		if next = more; next == "" {
			break
		}
	}
	if len(all) != 60 || all[0] != "n00" || all[59] != "n59" || !slices.IsSorted(all) {
		t.Errorf("%d names: %v", len(all), all)
	}
	if names, next := list("press", ""); len(names) != 25 || next == "" {
		t.Errorf("a page has %d names, then %q", len(names), next)
	}
	if names, next := list("nobody", ""); len(names) != 0 || next != "" {
		t.Errorf("nobody has %v, %q", names, next)
	}
	for _, query := range []string{"pageSize=0", "pageSize=101", "pageSize=x", "nextToken=%25", "nextToken=" + strings.Repeat("A", 200)} {
		if r := rest(t, s, "person anna", "GET", path+"press?"+query, ""); r.code != 400 {
			t.Errorf("%s: %+v", query, r)
		}
	}
	if r := rest(t, s, "thing saw", "GET", path+"press", ""); r.code != 403 {
		t.Errorf("another thing: %+v", r)
	}
}
