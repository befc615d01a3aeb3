package rule

import (
	"reflect"
	"testing"
	"time"
)

func FuzzDecodeAction(f *testing.F) {
	f.Add([]byte(`{"kind":"write","rule":"stop","key":"stop/1/0","at":"2026-01-02T03:04:05Z","point":"press.start","value":{"kind":1,"bits":1}}`))
	f.Add([]byte(`{"kind":"set","rule":"a","key":"a/1/0","point":"b.c","value":{"kind":5,"text":"x","quality":2147483648}}`))
	f.Add([]byte(`{"kind":"publish","rule":"a","key":"a/1/0","topic":"t","payload":"AQI="}`))
	f.Add([]byte(`{"kind":"exec","rule":"a","key":"a/1/0","for":1,"command":["/bin/true"]}`))
	f.Add([]byte(`{"kind":"scan","rule":"a","key":"a/1/0","scan":1,"points":["b.c"]}`))
	f.Add([]byte("\x00rot"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeAction(data)
		if err != nil {
			return
		}
		if a.Value != nil {
			a.Value.sample(0)
		}
		b, err := a.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeAction(b)
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Errorf("%s\nbecame\n%s: %v", data, b, err)
		}
	})
}

func FuzzDecodeMemory(f *testing.F) {
	f.Add([]byte(`{"rule":1,"n":2,"on":true,"since":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte("\x00rot"))
	f.Fuzz(func(t *testing.T, data []byte) {
		now := time.Now()
		m, err := decodeMemory(data, now)
		if err == nil && (m.Since.After(now) || m.Began.After(now) || m.Acted.After(now)) {
			t.Errorf("%s gives a time to come", data)
		}
	})
}
