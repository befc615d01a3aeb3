package wire

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestVerdictsComeBack(t *testing.T) {
	want := []Verdict{{Boot: Boot{1, 2}, Doubt: 1, Offset: math.MaxInt64}, {Boot: Boot{15: 9}, Doubt: 7, Lost: true}}
	data, err := EncodeVerdicts(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeVerdicts(data); err != nil || !slices.Equal(got, want) {
		t.Errorf("%s came back as %+v, %v", data, got, err)
	}
}

func TestBadVerdictsAreRefused(t *testing.T) {
	const boot = `"boot":"478d7f8200000000000000000000aa96"`
	for _, c := range []struct{ data, want string }{
		{`[]`, "cannot unmarshal"},
		{`{}`, "0 verdicts"},
		{`{"verdicts":[` + strings.Repeat(`{},`, MaxVerdicts) + `{}]}`, "101 verdicts"},
		{`{"verdicts":[{` + boot + `}]}`, "doubt 0"},
		{`{"verdicts":[{"boot":"478d","doubt":1}]}`, "hexadecimal"},
		{`{"verdicts":[{` + boot + `,"doubt":1,"offset":1,"lost":true}]}`, "lost"},
		{strings.Repeat(" ", maxVerdictBytes+1), "are the most"},
	} {
		if _, err := DecodeVerdicts([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: error %v, want one with %q", c.data, err, c.want)
		}
	}
}

func FuzzDecodeVerdicts(f *testing.F) {
	f.Add([]byte(`{"verdicts":[{"boot":"478d7f8200000000000000000000aa96","doubt":1,"offset":-5}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := DecodeVerdicts(data)
		if err != nil {
			return
		}
		again, err := EncodeVerdicts(list)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeVerdicts(again); err != nil || !slices.Equal(back, list) {
			t.Fatalf("%+v came back as %+v, %v", list, back, err)
		}
	})
}
