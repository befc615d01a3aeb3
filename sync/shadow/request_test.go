package shadow_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

func TestDS7_Refusals(t *testing.T) {
	nested := func(n int) string {
		return `{"state":{"desired":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + `}}`
	}
	for _, s := range []struct {
		payload string
		code    int
		message string
	}{
		{`{`, 400, "Invalid JSON"},
		{`[]`, 400, "Invalid JSON"},
		{`{"state":{"desired":{"a":1,}}}`, 400, "Invalid JSON"},
		{`{"state":{}} {}`, 400, "Invalid JSON"},
		{`{"state":{"desired":{"a":1,"a":2}}}`, 400, "Invalid JSON: 'a' stands twice in an object"},
		{`{}`, 400, "Missing required node: state"},
		{`{"State":{}}`, 400, "Missing required node: state"},
		{`{"state":[]}`, 400, "State node must be an object"},
		{`{"state":"on"}`, 400, "State node must be an object"},
		{`{"state":{"desired":1}}`, 400, "Desired node must be an object"},
		{`{"state":{"desired":{},"reported":[]}}`, 400, "Reported node must be an object"},
		{`{"state":{},"version":"1"}`, 400, "Invalid version"},
		{`{"state":{},"version":-1}`, 400, "Invalid version"},
		{`{"state":{},"version":1.5}`, 400, "Invalid version"},
		{`{"state":{},"version":99999999999999999999}`, 400, "Invalid version"},
		{`{"state":{},"clientToken":1}`, 400, "Invalid clientToken"},
		{`{"state":{},"clientToken":"` + strings.Repeat("t", 65) + `"}`, 400, "Invalid clientToken"},
		{`{"state":{},"clientToken":"` + strings.Repeat("ü", 33) + `"}`, 400, "Invalid clientToken"},
		{nested(7), 400, "JSON contains too many levels of nesting; maximum is 6"},
		{nested(5000), 400, "JSON contains too many levels of nesting; maximum is 6"},
		{`{"state":{"desired":{"a":[[[[[[1]]]]]]}}}`, 400, "JSON contains too many levels of nesting; maximum is 6"},
		{`{"state":{"delta":{}}}`, 400, "State contains an invalid node: 'delta'"},
		{`{"state":{"desired":{"a":[1,null]}}}`, 400, "State contains an invalid node: 'a'"},
		{`{"state":{"desired":{"a":[{"b":null}]}}}`, 400, "State contains an invalid node: 'a'"},
		{`{"state":{"desired":{"a":[[{"b":{"c":null}}]]}}}`, 400, "State contains an invalid node: 'a'"},
		{`{"state":{},"version":7}`, 409, "Version conflict"},
		{`{"state":{"desired":{"a":"` + strings.Repeat("x", 9<<10) + `"}}}`, 413, "The payload exceeds the maximum size allowed"},
		{strings.Repeat(" ", 1<<20), 413, "The payload exceeds the maximum size allowed"},
		{"{\"\xc3\x28\":1}", 415, "Unsupported documented encoding; supported encoding is UTF-8"},
	} {
		open(t).refused(shadow.OpUpdate, s.payload, s.code, s.message)
	}
	c := open(t)
	c.update(nested(6))
	c.update(`{"state":{},"clientToken":"` + strings.Repeat("t", 64) + `"}`)
	c.refused(shadow.OpGet, `{"clientToken":7}`, 400, "Invalid clientToken")
	c.refused(shadow.OpGet, `[`, 400, "Invalid JSON")
	c.refused(shadow.OpDelete, `{"version":1}`, 409, "Version conflict")
	r := c.call(shadow.OpUpdate, `{"state":5,"clientToken":"mine"}`)
	if topic := r.Messages[0].Topic; len(r.Messages) != 1 || topic != "$aws/things/plant7:press/shadow/update/rejected" {
		t.Errorf("refused on %s, with %d messages", topic, len(r.Messages))
	}
	same(t, string(r.Payload), `{"code":400,"message":"State node must be an object","timestamp":1700000000,"clientToken":"mine"}`)
}

func TestDS7_RefusalsOfOthers(t *testing.T) {
	call := shadow.Call{ID: press, Op: shadow.OpGet}
	for _, s := range []struct {
		err     *shadow.Error
		payload string
		kind    string
	}{
		{shadow.Unauthorized(), `{"code":401,"message":"Unauthorized","timestamp":9}`, "UnauthorizedException"},
		{shadow.Forbidden(), `{"code":403,"message":"Forbidden","timestamp":9}`, "UnauthorizedException"},
		{shadow.ThingNotFound(), `{"code":404,"message":"Thing not found","timestamp":9}`, "ResourceNotFoundException"},
		{shadow.TooManyRequests(), `{"code":429,"message":"Too many requests","timestamp":9}`, "ThrottlingException"},
		{shadow.InternalFailure(), `{"code":500,"message":"Internal service failure","timestamp":9}`, "InternalFailureException"},
	} {
		r := shadow.Refuse(call, s.err, time.Unix(9, 0))
		same(t, string(r.Payload), s.payload)
		if s.err.Type() != s.kind {
			t.Errorf("%v is %s, want %s", s.err, s.err.Type(), s.kind)
		}
	}
}

type brokenStore struct{ memory }

var errDisk = errors.New("the disk is gone")

func (*brokenStore) Update(context.Context, shadow.ID, func(*shadow.Document) error) (shadow.Document, error) {
	return shadow.Document{}, errDisk
}

func TestStoreThatFailsIsAnInternalFailure(t *testing.T) {
	desk := shadow.Desk{Store: &brokenStore{}}
	r, err := desk.Answer(t.Context(), shadow.Call{ID: press, Op: shadow.OpUpdate, Payload: []byte(`{"state":{}}`)}, time.Unix(1, 0))
	if !errors.Is(err, errDisk) || r.Refused == nil || r.Refused.Code != 500 {
		t.Errorf("answered %v, told the operator %v", r.Refused, err)
	}
}

func TestLimits(t *testing.T) {
	for _, l := range []shadow.Limits{{State: -1}, {State: shadow.MaxState + 1}, {Depth: 33}, {Depth: -1}, {Payload: 1 << 30}} {
		if l.Validate() == nil {
			t.Errorf("%+v are fine", l)
		}
	}
	if err := (shadow.Limits{Depth: 8, State: 30 << 10}).Validate(); err != nil {
		t.Error(err)
	}
}
