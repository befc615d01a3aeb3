package wire

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLossesComeBack(t *testing.T) {
	want := []Loss{{Epoch: "01JD", From: 1, To: 7, Samples: 1234, Reason: "evicted"}, {Epoch: "01JD", From: 9, To: 9, Reason: "damaged", Class: "alarm"}}
	given := []GivenUp{{Epoch: "01JD", Samples: 1 << 60, Reason: "refused"}}
	for _, d := range []Declaration{{Losses: want}, {GivenUp: given}, {Losses: want, GivenUp: given}} {
		data, err := EncodeDeclaration(d)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeDeclaration(data); err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("came back as %+v, %v", got, err)
		}
	}
}

func TestBadLossesAreRefused(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`[]`, "cannot unmarshal"},
		{`{"losses":[]}`, "0 losses"},
		{`{"given_up":[{"epoch":"e","samples":1,"reason":"two words"}]}`, "reason"},
		{`{"given_up":[{"epoch":"","samples":1,"reason":"refused"}]}`, "epoch"},
		{`{"given_up":[{"epoch":"e","samples":-1,"reason":"refused"}]}`, "cannot unmarshal"},
		{`{"losses":[` + strings.Repeat(`{},`, MaxLosses) + `{}]}`, "1001 losses"},
		{`{"losses":[{"epoch":"","from":1,"to":1,"reason":"evicted"}]}`, "epoch"},
		{`{"losses":[{"epoch":"e","from":1,"to":1,"reason":"no reason"}]}`, "reason"},
		{`{"losses":[{"epoch":"e","from":1,"to":1,"reason":"evicted","class":"first class"}]}`, "class"},
		{`{"losses":[{"epoch":"e","from":0,"to":1,"reason":"evicted"}]}`, "from 0 to 1"},
		{`{"losses":[{"epoch":"e","from":2,"to":1,"reason":"evicted"}]}`, "from 2 to 1"},
		{`{"losses":[{"epoch":"e","from":-2,"to":1,"reason":"evicted"}]}`, "cannot unmarshal"},
		{strings.Repeat(" ", maxLossBytes+1), "are the most"},
	} {
		if _, err := DecodeDeclaration([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: error %v, want one with %q", c.data, err, c.want)
		}
	}
	if _, err := EncodeDeclaration(Declaration{}); err == nil {
		t.Error("a message without losses is encoded")
	}
}

func FuzzDecodeDeclaration(f *testing.F) {
	f.Add([]byte(`{"losses":[{"epoch":"01JD","from":1,"to":7,"samples":1234,"reason":"downsampled","class":"normal"}]}`))
	f.Add([]byte(`{"losses":[{"epoch":"01JD","from":1,"to":7,"samples":1234,"reason":"evicted"}]}`))
	f.Add([]byte(`{"given_up":[{"epoch":"01JD","samples":1234,"reason":"memory"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDeclaration(data)
		if err != nil {
			return
		}
		again, err := EncodeDeclaration(d)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeDeclaration(again); err != nil || !slices.Equal(back.Losses, d.Losses) || !slices.Equal(back.GivenUp, d.GivenUp) {
			t.Fatalf("%+v came back as %+v, %v", d, back, err)
		}
	})
}
