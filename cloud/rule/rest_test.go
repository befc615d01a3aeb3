package rule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/cloud/rule"
)

// ask makes a request as a person, and gives the status, AWS's error type and the body.
func ask(t *testing.T, api http.Handler, method, path, body string) (int, string, string) {
	t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	data, _ := io.ReadAll(w.Body)
	return w.Code, w.Header().Get("x-amzn-errortype"), strings.TrimSpace(string(data))
}

func person(*http.Request) (rule.Person, bool) { return anna, true }

// TestRulesByREST: the life of a rule, as AWS IoT's API has it.
func TestRulesByREST(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	api := p.Handler(rule.HTTP{Who: person})
	hot := `{"sql":"SELECT * FROM 'a/+'","actions":[{"republish":{"topic":"out","roleArn":"x"}}],"errorAction":null}`
	for _, c := range []struct {
		method, path, body string
		status             int
		kind, has          string
	}{
		{"POST", "/rules/hot", hot, 200, "", ""},
		{"POST", "/rules/hot", hot, 409, "ResourceAlreadyExistsException", ""},
		{"POST", "/rules/off", strings.Replace(hot, "{", `{"ruleDisabled":true,`, 1), 200, "", ""},
		{"GET", "/rules/hot", "", 200, "", `"sql":"SELECT * FROM 'a/+'"`},
		{"GET", "/rules/nobody", "", 404, "ResourceNotFoundException", ""},
		{"GET", "/rules", "", 200, "", `"topicPattern":"a/+"`},
		{"GET", "/rules?topic=b/c", "", 200, "", `{"nextToken":null,"rules":[]}`},
		{"GET", "/rules?topic=a/c&maxResults=1", "", 200, "", `"nextToken":"hot"`},
		{"GET", "/rules?nextToken=hot", "", 200, "", `"ruleName":"off"`},
		{"GET", "/rules?ruleDisabled=false&maxResults=x", "", 400, "InvalidRequestException", ""},
		{"POST", "/rules/hot/disable", "", 200, "", ""},
		{"GET", "/rules/hot", "", 200, "", `"ruleDisabled":true`},
		{"POST", "/rules/hot/enable", "", 200, "", ""},
		{"POST", "/rules/nobody/enable", "", 404, "ResourceNotFoundException", ""},
		{"PATCH", "/rules/hot", strings.Replace(hot, "a/+", "b", 1), 200, "", ""},
		{"PATCH", "/rules/nobody", hot, 404, "ResourceNotFoundException", ""},
		{"GET", "/rules?topic=b", "", 200, "", `"ruleName":"hot"`},
		{"GET", "/api/v1/rules/hot/stats", "", 200, "", `"topicMatch":0`},
		{"GET", "/api/v1/rules/hot/dead", "", 200, "", `{"dead":[]}`},
		{"POST", "/api/v1/rules/hot/dead/7/retry", "", 404, "ResourceNotFoundException", ""},
		{"DELETE", "/rules/hot", "", 200, "", ""},
		{"DELETE", "/rules/hot", "", 404, "ResourceNotFoundException", ""},
		{"POST", "/rules/a-b", hot, 400, "InvalidRequestException", "is no name"},
		{"POST", "/rules/x", `{"sql":"SELECT * FORM 'a'","actions":[{"republish":{"topic":"out"}}]}`, 400, "SqlParseException", `"line":1,"column":10`},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"s3":{}}]}`, 400, "InvalidRequestException", "there is no such action here"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"republish":{"topic":"${a +}"}}]}`, 400, "SqlParseException", "topic"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[]}`, 400, "InvalidRequestException", "give one at least"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[` + strings.Repeat(`{"republish":{"topic":"out"}},`, 10) + `{"republish":{"topic":"out"}}]}`, 400, "InvalidRequestException", "at most 10"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","awsIotSqlVersion":"2015-10-08","actions":[{"republish":{"topic":"out"}}]}`, 400, "InvalidRequestException", "2016-03-23"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"republish":{"topic":"$aws/x"}}]}`, 400, "InvalidRequestException", "$$"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","action":[]}`, 400, "InvalidRequestException", "unknown field"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"nats":{"subject":"x"}}]}`, 400, "InvalidRequestException", "no NATS server"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"alarm":{"name":"x","severity":"awful"}}]}`, 400, "InvalidRequestException", "severity"},
		{"POST", "/rules/x", `{"sql":"SELECT * FROM 'a'","actions":[{"http":{"url":"${u}","hmac":{"key_id":"k9"}}}]}`, 400, "InvalidRequestException", "k9"},
		{"POST", "/rules/x", strings.Repeat("x", 300<<10), 400, "InvalidRequestException", "bytes"},
	} {
		status, kind, body := ask(t, api, c.method, c.path, c.body)
		if status != c.status || kind != c.kind || !strings.Contains(body, c.has) {
			t.Errorf("%s %s %.80s: %d %s %s, want %d %s %s", c.method, c.path, c.body, status, kind, body, c.status, c.kind, c.has)
		}
	}
}

// TestRulesArePeoples: nobody else sees or changes them.
func TestRulesArePeoples(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	for who, want := range map[string]int{"nobody": 401, "thing": 403} {
		api := p.Handler(rule.HTTP{Who: func(*http.Request) (rule.Person, bool) { return rule.Person{}, who == "nobody" }})
		for _, path := range []string{"GET /rules", "POST /rules/a", "GET /api/v1/rules/a/dead", "POST /rules/test"} {
			method, path, _ := strings.Cut(path, " ")
			if status, kind, _ := ask(t, api, method, path, ""); status != want || kind != "UnauthorizedException" {
				t.Errorf("%s %s by a %s: %d %s", method, path, who, status, kind)
			}
		}
	}
}

// TestRE19_DryRun: what a statement makes of a message, without anything being done.
func TestRE19_DryRun(t *testing.T) {
	t.Parallel()
	p := newPlant(t, nil)
	p.rule("watch", "SELECT * FROM '#'", republish("seen"))
	api := p.Handler(rule.HTTP{Who: person})
	for _, c := range []struct{ sql, topic, payload, want string }{
		{"SELECT t * 2 AS t, topic(1) AS a FROM 'a/+'", "a/b", `{"t":21}`, `{"fires":true,"payload":{"t":42,"a":"a"}}`},
		{"SELECT t FROM 'a/+' WHERE t > 30", "a/b", `{"t":21}`, `{"fires":false}`},
		{"SELECT t FROM 'c'", "a/b", `{"t":21}`, `{"fires":false}`},
		{"SELECT t", "", `{"t":21}`, `{"fires":true,"payload":{"t":21}}`},
		{"SELECT sum(t) AS s FROM 'a' GROUP BY TUMBLINGWINDOW(ss, 10)", "a", `{"t":21}`, `{"fires":true,"payload":{"s":21}}`},
		{"SELECT encode(*, 'base64') AS b FROM 'a'", "a", `"x"`, `{"fires":true,"payload":{"b":"Ingi"}}`},
	} {
		body, _ := json.Marshal(map[string]any{"sql": c.sql, "topic": c.topic, "payload": json.RawMessage(c.payload)})
		if status, _, got := ask(t, api, "POST", "/rules/test", string(body)); status != 200 || got != c.want {
			t.Errorf("%s: %d %s, want %s", c.sql, status, got, c.want)
		}
	}
	for body, want := range map[string]string{
		`{"sql":"SELECT t FROM 'a","topic":"a","payload":{}}`:                             `"line":1,"column":15`,
		`{"sql":"SELECT t FROM 'a'","topic":"a","payloadBase64":"bm90IGpzb24="}`:          "not JSON",
		`{"sql":"SELECT t FROM 'a'","topic":"a","payload":{},"what":1}`:                   "unknown field",
		fmt.Sprintf(`{"sql":"SELECT t FROM 'a'","topic":%q`, strings.Repeat("a", 300000)): "unexpected EOF",
	} {
		if status, _, got := ask(t, api, "POST", "/rules/test", body); status != 400 || !strings.Contains(got, want) {
			t.Errorf("%.80s: %d %s, want %s", body, status, got, want)
		}
	}
	p.settled()
	if got := p.messages(); len(got) > 0 {
		t.Errorf("a dry run published %q", got)
	}
}
