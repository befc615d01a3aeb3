package shadow_test

import (
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{`{"state":{"desired":{"a":1,"b":{"c":[1,2,{"d":"e"}],"f":null}},"reported":{"x":1e5}},"version":3,"clientToken":"t"}`,
		`{"state":null}`, `{"state":{"desired":null}}`, `{"state":{"delta":{}}}`, `{"state":{"desired":{"a":[null]}}}`, "{\"state\":\"\xff\"}",
		`{"state":{"desired":{"\ud800":"\udfff"}}}`, `[[[[[[[[[[`, `{"a":1,"a":2}`, `{"state":{"reported":{"n":1e99999999999999999999}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		req, refused := shadow.ParseRequest(payload, shadow.Limits{})
		if refused != nil {
			if refused.Code < 400 || refused.Message == "" || len(refused.Message) > 200 {
				t.Fatalf("refused with %v", refused)
			}
			refused.JSON(time.Unix(0, 0))
			return
		}
		req.Version = nil
		var d shadow.Document
		out, refused := d.Update(req, time.Unix(1, 0))
		if refused != nil {
			return
		}
		if d.Size() > shadow.DefaultState {
			t.Fatalf("%d bytes of state were taken", d.Size())
		}
		back, err := shadow.Decode(d.Encode())
		if err != nil || !back.State().Equal(d.State()) {
			t.Fatalf("stored as %s, which is read as %v, %v", d.Encode(), back.State(), err)
		}
		for _, message := range [][]byte{out.Accepted, out.Documents} {
			if _, err := shadow.ParseAnswer(message, shadow.Limits{}); err != nil {
				t.Fatalf("our own answer %s: %v", message, err)
			}
		}
		got, refused := d.Get(press, shadow.Request{}, time.Unix(2, 0))
		answer, err := shadow.ParseAnswer(got, shadow.Limits{})
		if refused != nil || err != nil {
			t.Fatalf("get says %s: %v, %v", got, refused, err)
		}
		read, err := answer.Document()
		if err != nil || !read.State().Equal(d.State()) {
			t.Fatalf("get is read as %v, %v", read.State(), err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	var d shadow.Document
	f.Add(d.Encode())
	f.Add([]byte(`{"format":1,"version":2,"state":{"desired":{"a":1,"o":{"b":[1]}}},"times":{"desired":{"a":5,"o":{"b":6}}}}`))
	f.Add([]byte(`{"format":1,"version":2,"deleted":7}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		d, err := shadow.Decode(stored)
		if err != nil {
			return
		}
		again, err := shadow.Decode(d.Encode())
		if err != nil || string(again.Encode()) != string(d.Encode()) {
			t.Fatalf("%s came back as %s, %v", d.Encode(), again.Encode(), err)
		}
		d.Get(press, shadow.Request{}, time.Unix(0, 0))
	})
}

func FuzzDecodeBase(f *testing.F) {
	f.Add(shadow.Base{}.Encode())
	f.Add([]byte(`{"format":1,"synced":true,"local_version":1,"cloud_version":2,"local":{"desired":{"a":1}},"cloud":{},"sent":{"cloud_version":2,"clock":9,"local":{},"before":{},"merged":{"reported":{"b":1}}}}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		b, err := shadow.DecodeBase(stored)
		if err != nil {
			return
		}
		again, err := shadow.DecodeBase(b.Encode())
		if err != nil || string(again.Encode()) != string(b.Encode()) {
			t.Fatalf("%s came back as %s, %v", b.Encode(), again.Encode(), err)
		}
		d := shadow.NewDocument(b.Local, 3)
		shadow.Merge(b, d, shadow.NewDocument(b.Cloud, 4))
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"state":{"desired":{"a":[1]},"delta":{"a":1}},"metadata":{"desired":{"a":[{"timestamp":5}]}},"version":1,"timestamp":2,"clientToken":"t"}`))
	f.Add([]byte(`{"code":404,"message":"No shadow exists with name: 'x'"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := shadow.ParseAnswer(payload, shadow.Limits{})
		if err != nil {
			return
		}
		if d, err := a.Document(); err == nil {
			if _, err := shadow.Decode(d.Encode()); err != nil {
				t.Fatalf("a shadow that can't be stored: %v", err)
			}
		}
	})
}

func FuzzParseTopic(f *testing.F) {
	f.Add("$aws/things/press/shadow/name/recipe/update/delta")
	f.Add("$aws/things/press/shadow/get")
	f.Fuzz(func(t *testing.T, s string) {
		if topic, err := shadow.ParseTopic(s); err == nil && topic.String() != s {
			t.Fatalf("%q is read as %q", s, topic)
		}
	})
}
