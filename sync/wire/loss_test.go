package wire

import (
	"slices"
	"strings"
	"testing"
)

func TestLossesComeBack(t *testing.T) {
	want := []Loss{{Epoch: "01JD", From: 1, To: 7, Samples: 1234, Reason: "evicted"}, {Epoch: "01JD", From: 9, To: 9, Reason: "damaged", Class: "alarm"}}
	data, err := EncodeLosses(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeLosses(data); err != nil || !slices.Equal(got, want) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

func TestBadLossesAreRefused(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`[]`, "cannot unmarshal"},
		{`{"losses":[]}`, "0 losses"},
		{`{"losses":[` + strings.Repeat(`{},`, MaxLosses) + `{}]}`, "1001 losses"},
		{`{"losses":[{"epoch":"","from":1,"to":1,"reason":"evicted"}]}`, "epoch"},
		{`{"losses":[{"epoch":"e","from":1,"to":1,"reason":"no reason"}]}`, "reason"},
		{`{"losses":[{"epoch":"e","from":1,"to":1,"reason":"evicted","class":"first class"}]}`, "class"},
		{`{"losses":[{"epoch":"e","from":0,"to":1,"reason":"evicted"}]}`, "from 0 to 1"},
		{`{"losses":[{"epoch":"e","from":2,"to":1,"reason":"evicted"}]}`, "from 2 to 1"},
		{`{"losses":[{"epoch":"e","from":-2,"to":1,"reason":"evicted"}]}`, "cannot unmarshal"},
		{strings.Repeat(" ", maxLossBytes+1), "are the most"},
	} {
		if _, err := DecodeLosses([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: error %v, want one with %q", c.data, err, c.want)
		}
	}
	if _, err := EncodeLosses(nil); err == nil {
		t.Error("a message without losses is encoded")
	}
}

func FuzzDecodeLosses(f *testing.F) {
	f.Add([]byte(`{"losses":[{"epoch":"01JD","from":1,"to":7,"samples":1234,"reason":"downsampled","class":"normal"}]}`))
	f.Add([]byte(`{"losses":[{"epoch":"01JD","from":1,"to":7,"samples":1234,"reason":"evicted"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := DecodeLosses(data)
		if err != nil {
			return
		}
		again, err := EncodeLosses(list)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeLosses(again); err != nil || !slices.Equal(back, list) {
			t.Fatalf("%+v came back as %+v, %v", list, back, err)
		}
	})
}
