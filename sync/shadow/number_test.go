package shadow_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-edge/penstock/sync/shadow"
)

func TestNumbersCompareByWhatTheyAmountTo(t *testing.T) {
	huge := "1" + strings.Repeat("0", 4000)
	for _, s := range []struct {
		a, b json.Number
		same bool
	}{
		{"1", "1.0", true}, {"1", "1e0", true}, {"100", "1E+2", true}, {"0.001", "1e-3", true}, {"0", "-0.0", true}, {"0e99", "0", true},
		{"1", "2", false}, {"1", "-1", false}, {"10", "1", false}, {"0.1", "0.01", false},
		{"9007199254740992", "9007199254740993", false}, {"0.1", "0.1000000000000000000001", false},
		{json.Number(huge), "1e4000", true}, {"1e999999999", "1e999999998", false}, {"1e999999999", "10e999999998", true},
		{"1e99999999999999999999", "1e99999999999999999999", true}, {"1e99999999999999999999", "10e99999999999999999998", false},
	} {
		if got := shadow.Equal(s.a, s.b); got != s.same {
			t.Errorf("%.40s is %.40s: %t", s.a, s.b, got)
		}
	}
	if shadow.Equal(json.Number("1"), "1") || shadow.Equal("1", json.Number("1")) || shadow.Equal(nil, shadow.Object(nil)) || shadow.Equal([]any{}, nil) || !shadow.Equal(nil, nil) {
		t.Error("values of different kinds are equal")
	}
}

func TestNumbersCompareAsRationalsDo(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			t.Fatal(a, b)
		}
		if got, want := shadow.Equal(json.Number(a), json.Number(b)), x.Cmp(y) == 0; got != want {
			t.Fatalf("%s is %s: %t, want %t", a, b, got, want)
		}
	})
}
