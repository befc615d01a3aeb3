package shadow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

const (
	accepted  = "$aws/things/plant7:press/shadow/update/accepted"
	deltas    = "$aws/things/plant7:press/shadow/update/delta"
	documents = "$aws/things/plant7:press/shadow/update/documents"
)

func TestDS1_UpdatesMergeObjectsAndReplaceTheRest(t *testing.T) {
	for _, s := range []struct{ story, before, update, after string }{
		{"objects are merged deep", `{"desired":{"a":{"b":1,"c":2}}}`, `{"desired":{"a":{"c":3}}}`, `{"desired":{"a":{"b":1,"c":3}}}`},
		{"arrays are replaced whole", `{"desired":{"a":[1,2,3]}}`, `{"desired":{"a":[4]}}`, `{"desired":{"a":[4]}}`},
		{"a scalar replaces an object", `{"desired":{"a":{"b":1}}}`, `{"desired":{"a":5}}`, `{"desired":{"a":5}}`},
		{"an object replaces a scalar", `{"desired":{"a":5}}`, `{"desired":{"a":{"b":1}}}`, `{"desired":{"a":{"b":1}}}`},
		{"null deletes a key", `{"desired":{"a":1,"b":2}}`, `{"desired":{"a":null}}`, `{"desired":{"b":2}}`},
		{"null deletes deep", `{"desired":{"a":{"b":1,"c":2}}}`, `{"desired":{"a":{"b":null}}}`, `{"desired":{"a":{"c":2}}}`},
		{"null of what isn't there does nothing", `{"desired":{"a":1}}`, `{"desired":{"x":null}}`, `{"desired":{"a":1}}`},
		{"null in a new object is not stored", `{"desired":{"a":1}}`, `{"desired":{"n":{"x":null,"y":1}}}`, `{"desired":{"a":1,"n":{"y":1}}}`},
		{"the last key takes the section along", `{"desired":{"a":1},"reported":{"r":1}}`, `{"desired":{"a":null}}`, `{"reported":{"r":1}}`},
		{"a section that is null goes", `{"desired":{"a":1},"reported":{"r":1}}`, `{"desired":null}`, `{"reported":{"r":1}}`},
		{"the other section stays", `{"desired":{"a":1}}`, `{"reported":{"a":2}}`, `{"desired":{"a":1},"reported":{"a":2}}`},
		{"null state clears all", `{"desired":{"a":1},"reported":{"a":1}}`, `null`, `{}`},
		{"an empty state changes nothing", `{"reported":{"a":1}}`, `{}`, `{"reported":{"a":1}}`},
		{"numbers keep their digits", `{"reported":{"a":1}}`, `{"reported":{"a":12345678901234567890.10}}`, `{"reported":{"a":12345678901234567890.10}}`},
	} {
		t.Run(s.story, func(t *testing.T) {
			c := open(t)
			c.update(`{"state":` + s.before + `}`)
			c.update(`{"state":` + s.update + `}`)
			got, _ := c.desk.Store.Load(t.Context(), press)
			if want := document(t, s.after); !got.State().Equal(want.State()) {
				t.Errorf("holds %+v, want %s", got.State(), s.after)
			}
		})
	}
}

func TestDS1_NullStateIsAnsweredAsAWSDoes(t *testing.T) {
	c := open(t)
	c.update(`{"state":{"desired":{"a":1},"reported":{"a":2}}}`)
	r := c.update(`{"state":null}`)
	same(t, string(r.Payload), `{"state":null,"metadata":{"timestamp":1700000000},"version":2,"timestamp":1700000000}`)
	same(t, c.get(), `{"state":{},"metadata":{},"version":2,"timestamp":1700000000}`)
}

// document is one that was only given this state.
func document(t *testing.T, state string) (d shadow.Document) {
	t.Helper()
	req, refused := shadow.ParseRequest([]byte(`{"state":`+state+`}`), shadow.Limits{State: shadow.MaxState})
	if refused == nil {
		_, refused = d.Update(req, time.Unix(1_700_000_000, 0))
	}
	if refused != nil {
		t.Fatal(refused)
	}
	return d
}

func TestDS2_AcceptedHasOnlyWhatWasSent(t *testing.T) {
	c := open(t)
	c.update(`{"state":{"desired":{"old":1},"reported":{"old":1}}}`)
	c.now = c.now.Add(time.Minute)
	r := c.update(`{"state":{"desired":{"a":{"b":1},"l":[1,{"x":2}],"gone":null}},"clientToken":"t-1"}`)
	const ts = `{"timestamp":1700000060}`
	same(t, string(r.Payload), `{"state":{"desired":{"a":{"b":1},"l":[1,{"x":2}],"gone":null}},
		"metadata":{"desired":{"a":{"b":`+ts+`},"l":[`+ts+`,{"x":`+ts+`}],"gone":`+ts+`}},
		"version":2,"timestamp":1700000060,"clientToken":"t-1"}`)
	if r := c.update(`{"state":{"reported":{"a":1}}}`); strings.Contains(string(r.Payload), "clientToken") {
		t.Errorf("no client token was sent, one came back: %s", r.Payload)
	}
	if want := `{"desired":null}`; part(t, string(c.update(`{"state":{"desired":null}}`).Payload), "state") != want {
		t.Errorf("a null section was not echoed as null")
	}
}

func TestDS3_VersionsCountUpdates(t *testing.T) {
	c := open(t)
	version := func(payload string) string { return part(t, payload, "version") }
	first := version(string(c.update(`{"state":{"reported":{"a":1}}}`).Payload))
	second := version(string(c.update(`{"state":{"reported":{"a":1}},"version":1}`).Payload))
	if first != "1" || second != "2" {
		t.Errorf("versions %s and %s, want 1 and 2", first, second)
	}
	before := c.get()
	c.refused(shadow.OpUpdate, `{"state":{"reported":{"a":9}},"version":1}`, 409, "Version conflict")
	c.refused(shadow.OpUpdate, `{"state":{"reported":{"a":9}},"version":3}`, 409, "Version conflict")
	if c.get() != before {
		t.Errorf("a refused update changed the shadow: %s", c.get())
	}
}

func TestDS3_DeletedVersionIsRememberedForTwoDays(t *testing.T) {
	for _, s := range []struct {
		away time.Duration
		want string
	}{{0, "3"}, {47 * time.Hour, "3"}, {48 * time.Hour, "1"}, {1000 * time.Hour, "1"}} {
		c := open(t)
		c.update(`{"state":{"reported":{"a":1}}}`)
		c.update(`{"state":{"reported":{"a":2}}}`)
		r := c.call(shadow.OpDelete, `{"clientToken":"bye"}`)
		same(t, string(r.Payload), `{"version":2,"timestamp":1700000000,"clientToken":"bye"}`)
		c.refused(shadow.OpGet, "", 404, "No shadow exists with name: 'plant7:press'")
		c.refused(shadow.OpDelete, "", 404, "No shadow exists with name: 'plant7:press'")
		c.now = c.now.Add(s.away)
		c.refused(shadow.OpUpdate, `{"state":{},"version":1}`, 409, "Version conflict")
		r = c.update(`{"state":{"reported":{"b":1}},"version":0}`)
		if got := part(t, string(r.Payload), "version"); got != s.want {
			t.Errorf("made again after %v: version %s, want %s", s.away, got, s.want)
		}
		same(t, part(t, c.get(), "state"), `{"reported":{"b":1}}`)
	}
}

func TestDS4_Delta(t *testing.T) {
	for _, s := range []struct{ story, state, want string }{
		{"differs", `{"desired":{"a":1},"reported":{"a":2}}`, `{"a":1}`},
		{"missing in reported", `{"desired":{"a":1,"b":{"c":1}}}`, `{"a":1,"b":{"c":1}}`},
		{"only the leaves that differ, with their path", `{"desired":{"a":{"b":{"c":1,"d":2}}},"reported":{"a":{"b":{"c":1,"d":3}}}}`, `{"a":{"b":{"d":2}}}`},
		{"arrays whole", `{"desired":{"a":[1,2]},"reported":{"a":[1,3]}}`, `{"a":[1,2]}`},
		{"reported only does not count", `{"desired":{"a":1},"reported":{"a":1,"b":2}}`, ``},
		{"numbers by what they amount to", `{"desired":{"a":1.0,"b":[100]},"reported":{"a":1,"b":[1e2]}}`, ``},
		{"types differ", `{"desired":{"a":"1"},"reported":{"a":1}}`, `{"a":"1"}`},
		{"an object is not a scalar", `{"desired":{"a":{"b":1}},"reported":{"a":1}}`, `{"a":{"b":1}}`},
		{"a scalar is not an object", `{"desired":{"a":1},"reported":{"a":{"b":1}}}`, `{"a":1}`},
		{"nothing desired", `{"reported":{"a":1}}`, ``},
	} {
		t.Run(s.story, func(t *testing.T) {
			got := find(open(t).update(`{"state":`+s.state+`}`), deltas)
			if s.want == "" {
				if got != "" {
					t.Errorf("a delta though nothing differs: %s", got)
				}
				return
			}
			same(t, part(t, got, "state"), s.want)
		})
	}
}

func TestDS4_DeltaComesAsLongAsThereIsADifference(t *testing.T) {
	c := open(t)
	c.update(`{"state":{"desired":{"a":{"x":1,"y":2}}},"clientToken":"first"}`)
	c.now = c.now.Add(time.Minute)
	r := c.update(`{"state":{"reported":{"a":{"y":2},"else":1}},"clientToken":"second"}`)
	same(t, find(r, deltas), `{"state":{"a":{"x":1}},"metadata":{"a":{"x":{"timestamp":1700000000}}},"version":2,"timestamp":1700000060,"clientToken":"second"}`)
	if got := find(c.update(`{"state":{"reported":{"a":{"x":1}}}}`), deltas); got != "" {
		t.Errorf("done, and still a delta: %s", got)
	}
}

func TestDS5_Documents(t *testing.T) {
	c := open(t)
	r := c.update(`{"state":{"desired":{"a":1}},"clientToken":"x"}`)
	const ts = `{"timestamp":1700000000}`
	same(t, find(r, documents), `{"previous":{"version":0},"current":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":`+ts+`}},"version":1},
		"timestamp":1700000000,"clientToken":"x"}`)
	r = c.update(`{"state":{"reported":{"a":1}}}`)
	same(t, find(r, documents), `{"previous":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":`+ts+`}},"version":1},
		"current":{"state":{"desired":{"a":1},"reported":{"a":1}},"metadata":{"desired":{"a":`+ts+`},"reported":{"a":`+ts+`}},"version":2},
		"timestamp":1700000000}`)
}

func TestDS6_Get(t *testing.T) {
	c := open(t)
	c.refused(shadow.OpGet, "", 404, "No shadow exists with name: 'plant7:press'")
	c.update(`{"state":{"desired":{"a":1,"b":{"c":{}}},"reported":{"a":2}}}`)
	r := c.call(shadow.OpGet, `{"clientToken":"me"}`)
	const ts = `{"timestamp":1700000000}`
	same(t, string(r.Payload), `{"state":{"desired":{"a":1,"b":{"c":{}}},"reported":{"a":2},"delta":{"a":1,"b":{"c":{}}}},
		"metadata":{"desired":{"a":`+ts+`,"b":{"c":{}}},"reported":{"a":`+ts+`}},"version":1,"timestamp":1700000000,"clientToken":"me"}`)

	c = open(t)
	c.update(`{"state":{"desired":{}}}`)
	same(t, c.get(), `{"state":{},"metadata":{},"version":1,"timestamp":1700000000}`)
}

func TestDS6_NamedShadowIsMissedByItsName(t *testing.T) {
	_, err := shadow.Document{}.Get(shadow.ID{Thing: "press", Name: "recipe"}, shadow.Request{Token: "t"}, time.Unix(5, 0))
	same(t, string(err.JSON(time.Unix(5, 0))), `{"code":404,"message":"No shadow exists with name: 'recipe'","timestamp":5,"clientToken":"t"}`)
}

func TestDS8_Size(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	for _, s := range []struct {
		limit, bytes int
		fits         bool
	}{{0, 8192, true}, {0, 8193, false}, {30 << 10, 30 << 10, true}, {30 << 10, 30<<10 + 1, false}, {shadow.MaxState, shadow.MaxState, true}} {
		c := open(t)
		c.desk.Limits.State = s.limit
		c.update(`{"state":{"desired":{"b":1}}}`) // {"b":1} are 7 bytes, {"a":""} 8
		r := c.call(shadow.OpUpdate, `{"state": { "reported": {  "a" : "`+text(s.bytes-15)+`" } }}`)
		if s.fits != (r.Refused == nil) {
			t.Errorf("%d bytes of state with a limit of %d: %v", s.bytes, s.limit, r.Refused)
		}
		if !s.fits && (r.Refused.Code != 413 || r.Refused.Message != "The payload exceeds the maximum size allowed") {
			t.Errorf("refused with %v", r.Refused)
		}
	}
	c := open(t)
	c.update(`{"state":{"reported":{"a":"` + text(8000) + `"}}}`)
	c.refused(shadow.OpUpdate, `{"state":{"desired":{"a":"`+text(8000)+`"}}}`, 413, "The payload exceeds the maximum size allowed")
	c.update(`{"state":{"reported":{"a":null},"desired":{"a":"` + text(8000) + `"}}}`)
}

func TestDS12_UpdatesAreSerial(t *testing.T) {
	c := open(t)
	const updates = 1000
	var messages [][]shadow.Message
	var one sync.Mutex // as whoever publishes holds it
	var all sync.WaitGroup
	for i := range updates {
		all.Go(func() {
			one.Lock()
			defer one.Unlock()
			payload := fmt.Sprintf(`{"state":{"desired":{"k%d":%d,"last":%d}}}`, i%10, i, i)
			r, err := c.desk.Answer(t.Context(), shadow.Call{ID: press, Op: shadow.OpUpdate, Payload: []byte(payload)}, c.now)
			if err != nil || r.Refused != nil {
				t.Error(err, r.Refused)
			}
			messages = append(messages, r.Messages)
		})
	}
	all.Wait()
	var replay shadow.Document
	for i, m := range messages {
		topics := []string{m[0].Topic, m[1].Topic, m[2].Topic}
		if !slices.Equal(topics, []string{accepted, deltas, documents}) {
			t.Fatalf("order of messages: %v", topics)
		}
		if got, want := part(t, string(m[0].Payload), "version"), fmt.Sprint(i+1); got != want {
			t.Fatalf("version %s, want %s", got, want)
		}
		req, _ := shadow.ParseRequest([]byte(`{"state":`+part(t, string(m[0].Payload), "state")+`}`), shadow.Limits{})
		if _, refused := replay.Update(req, c.now); refused != nil {
			t.Fatal(refused)
		}
	}
	stored, _ := c.desk.Store.Load(t.Context(), press)
	if string(stored.Encode()) != string(replay.Encode()) {
		t.Errorf("stored %s\nreplay %s", stored.Encode(), replay.Encode())
	}
}

func TestDS14_OnlyUTF8JSON(t *testing.T) {
	c := open(t)
	const encoding = "Unsupported documented encoding; supported encoding is UTF-8"
	c.refused(shadow.OpUpdate, "{\"state\":{\"desired\":{\"a\":\"\xff\"}}}", 415, encoding)
	c.refused(shadow.OpUpdate, "\xff\xfe{\x00}\x00", 415, encoding)
	c.refused(shadow.OpUpdate, "\xa1\x65state\xa0", 415, encoding) // CBOR
	c.refused(shadow.OpUpdate, "", 400, "Invalid JSON")
	c.refused(shadow.OpUpdate, "state=1", 400, "Invalid JSON")
	c.update(`{"state":{"desired":{"ünïcode":"€<&>\u0000\"\\"}}}`)
	var got struct {
		State struct{ Desired map[string]string }
	}
	if err := json.Unmarshal([]byte(c.get()), &got); err != nil || got.State.Desired["ünïcode"] != "€<&>\x00\"\\" {
		t.Errorf("came back as %q, %v", got, err)
	}
}
