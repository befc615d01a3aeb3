package wire

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAWatchComesBack(t *testing.T) {
	for _, want := range []Watch{{Points: []string{"press.oil_temp", "press.force"}, Lease: 30 * time.Second}, {Points: []string{EveryPoint}, Lease: MaxLease}, {}} {
		data, err := EncodeWatch(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeWatch(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
}

func TestABadWatchIsRefused(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`[]`, "cannot unmarshal"},
		{`{"points":["a.b"],"lease_ms":-1}`, "lease"},
		{`{"points":["a.b"],"lease_ms":300001}`, "lease"},
		{`{"points":["a.b"],"lease_ms":9223372036854775807}`, "lease"},
		{`{"points":[""],"lease_ms":1}`, "name of 0 bytes"},
		{`{"points":["` + strings.Repeat("x", MaxName+1) + `"],"lease_ms":1}`, "name of 256 bytes"},
		{`{"points":["a"` + strings.Repeat(`,"a"`, MaxWatched) + `],"lease_ms":1}`, "1001 points"},
		{strings.Repeat(" ", maxWatchMsg+1), "are the most"},
	} {
		if _, err := DecodeWatch([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: error %v, want one with %q", c.data, err, c.want)
		}
	}
	if _, err := EncodeWatch(Watch{Lease: time.Hour}); err == nil {
		t.Error("a lease of an hour is encoded")
	}
}

func FuzzDecodeWatch(f *testing.F) {
	f.Add([]byte(`{"points":["press.oil_temp","*"],"lease_ms":30000}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := DecodeWatch(data)
		if err != nil {
			return
		}
		again, err := EncodeWatch(w)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeWatch(again); err != nil || len(back.Points) != len(w.Points) || back.Lease != w.Lease {
			t.Fatalf("%+v came back as %+v, %v", w, back, err)
		}
	})
}
