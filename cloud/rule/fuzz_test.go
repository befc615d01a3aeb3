package rule

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	sql "github.com/penstock-edge/penstock/sync/rule"
)

// FuzzDocument: no document brings the server down, and what compiles can be asked for what to do.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"sql":"SELECT * FROM 'a/+'","actions":[{"republish":{"topic":"$$aws/${topic(2)}","qos":1,"headers":{"userProperties":[{"key":"k","value":"${v}"}]}}}]}`,
		`{"sql":"SELECT avg(v) AS v FROM 'a' GROUP BY TUMBLINGWINDOW(ss, 1)","actions":[{"store":{"point":"p"}},{"alarm":{"name":"n","severity":"high"}}],"errorAction":{"republish":{"topic":"e"}}}`,
		`{"sql":"SELECT 1","actions":[{"http":{"url":"http://a:1/${x}","headers":[{"key":"a","value":"b"}],"hmac":{"key_id":"k"}}},{"nats":{"subject":"s.${topic(1)}"}}],"ruleDisabled":true}`,
	} {
		f.Add([]byte(seed))
	}
	allow, err := newAllowList([]string{"a:1"})
	if err != nil {
		f.Fatal(err)
	}
	k := &kinds{&Options{NATS: "nats://x", Raise: func(context.Context, Alarm) error { return nil }, Webhooks: Webhooks{Keys: map[string][]byte{"k": {1}}}}, allow}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(data)
		if err != nil {
			return
		}
		c, err := k.compile(d)
		if err != nil {
			return
		}
		o := &occasion{rule: "r", now: time.Unix(1, 0), message: sql.Message{Topic: "a/b", Payload: []byte(`{"v":1}`)}, row: []byte(`{"v":1}`), maxHops: 1, trace: "t"}
		for i, a := range append(c.actions, c.errorAction) {
			if a == nil {
				continue
			}
			item, err := prepare(a, o, i)
			if (err == nil) != (item.Call != nil) || item.Kind == "" {
				t.Errorf("prepared %+v, %v", item, err)
			}
		}
		off, err := enabled(data, false)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseDocument(off); err == nil && !again.Disabled {
			t.Errorf("%s is on", off)
		}
	})
}

// FuzzVerify: no header brings a receiver down, and none verifies but the one that was made.
func FuzzVerify(f *testing.F) {
	at, body := time.Unix(1_700_000_000, 0), []byte("body")
	good := Sign("k", []byte("key"), at, body)
	f.Add(good)
	f.Add("t=1,v1=00")
	f.Fuzz(func(t *testing.T, signature string) {
		if Verify(signature, []byte("key"), at, time.Minute, body) == nil && !strings.Contains(strings.ToLower(signature), good[strings.Index(good, "v1="):]) {
			t.Errorf("%q verifies", signature)
		}
	})
}

// TestFiltersAgreeWithSQL: the tree finds exactly the filters that take a topic.
func TestFiltersAgreeWithSQL(t *testing.T) {
	level := rapid.SampledFrom([]string{"a", "b", "", "$aws", "dt"})
	rapid.Check(t, func(t *rapid.T) {
		var all tree[string]
		var filters []string
		for _, levels := range rapid.SliceOfN(rapid.SliceOfN(rapid.OneOf(level, rapid.Just("+")), 1, 4), 0, 8).Draw(t, "filters") {
			filter := strings.Join(levels, "/")
			if rapid.Bool().Draw(t, "and below") {
				filter += "/#"
			}
			if _, err := sql.Parse("SELECT 1 FROM '" + filter + "'"); err == nil && filter != "" {
				filters = append(filters, filter)
				all.add(filter, filter)
			}
		}
		topic := strings.Join(rapid.SliceOfN(level, 1, 5).Draw(t, "topic"), "/")
		var got, want []string
		all.match(topic, func(f string) { got = append(got, f) })
		for _, filter := range filters {
			s, err := sql.Parse("SELECT 1 FROM '" + filter + "'")
			if err != nil {
				t.Fatal(err)
			}
			if s.Matches(topic) {
				want = append(want, filter)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q is taken by %q, want %q", topic, got, want)
		}
		levels := strings.Split(topic, "/")
		if len(levels) == 4 && !strings.HasPrefix(topic, "$") && len(want) > 0 {
			if !all.beyond(levels[:2]...) {
				t.Fatalf("%q leads to nothing", levels[:2])
			}
			if pairs, named := all.exactly(levels[:2]...); named && !slices.Contains(pairs, [2]string(levels[2:])) {
				t.Fatalf("%q are %q, without %q", levels[:2], pairs, levels[2:])
			}
		}
	})
}
