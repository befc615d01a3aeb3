package telemetry

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestQualitiesReadAsWords(t *testing.T) {
	for quality, want := range map[Quality]string{
		Good: "good", Uncertain: "uncertain", Bad: "bad",
		BadTimeout: "bad: timeout", UncertainClock: "uncertain: clock", BadSensorFailure: "bad: sensor failure",
		BadTimeout | 0x0400: "bad: timeout", // info bits are no reason
		0x802F0000:          "bad: 0x802F0000",
		0x00960000:          "good: 0x00960000",
		0xC0000000:          "bad",
	} {
		if got := quality.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint32(quality), got, want)
		}
	}
}

func TestEveryQualityHasOneSeverity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quality(rapid.Uint32().Draw(t, "quality"))
		severities := 0
		for severity, is := range map[string]bool{"good": q.IsGood(), "uncertain": q.IsUncertain(), "bad": q.IsBad()} {
			if is {
				severities++
				if q.Severity() != severity {
					t.Fatalf("%#x is %s and %s", uint32(q), severity, q.Severity())
				}
			}
		}
		if severities != 1 {
			t.Fatalf("%#x has %d severities", uint32(q), severities)
		}
	})
}

func TestWordsGiveTheQualityBack(t *testing.T) {
	for quality := range reasons {
		if got, err := ParseQuality(quality.String()); err != nil || got != quality {
			t.Errorf("%q is read as %#x, %v", quality, uint32(got), err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		q := Quality(rapid.Uint32().Draw(t, "quality"))
		got, err := ParseQuality(q.String())
		if err != nil || got.String() != q.String() || q.Reason() != "" && got != q&^0xFFFF {
			t.Fatalf("%#x is written %q and read as %#x (%q), %v", uint32(q), q, uint32(got), got, err)
		}
	})
}

func TestUnknownWordsAreRefused(t *testing.T) {
	for _, s := range []string{"", "fine", "bad: fine", "good: timeout", "timeout", "bad:", "bad: 0x", "good: 0x800A0000", "bad: 0x800A0000 and more", "fine: 0x800A0000"} {
		if got, err := ParseQuality(s); err == nil || !strings.Contains(err.Error(), "want good, uncertain or bad") {
			t.Errorf("%q is read as %v, %v", s, got, err)
		}
	}
}
