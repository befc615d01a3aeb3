package wire

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func oilHot() AlarmEvent {
	return AlarmEvent{
		Thing: "plant7:press", Alarm: "oil_hot", Sequence: 1772344800002, Occurrence: 1772344800001, Kind: "acknowledged", From: "unacknowledged", To: "acknowledged",
		Severity: "high", Time: time.Date(2026, 3, 1, 6, 0, 0, 5, time.UTC), Who: AlarmWho{Name: "anna", Comment: "on my way"}, Text: "Oil is at 86.5 °C", Rule: "oil_hot",
	}
}

func TestAlarmEventsComeBack(t *testing.T) {
	shelved := oilHot()
	shelved.Kind, shelved.Until, shelved.Merged = "shelved", shelved.Time.Add(time.Hour), 7
	want := []AlarmEvent{oilHot(), shelved, {Thing: "plant7", Alarm: "a", Sequence: 1, Kind: "out of service", From: "normal", To: "out of service", Time: shelved.Time}}
	payload, n, err := EncodeAlarms(want)
	if err != nil || n != 3 {
		t.Fatal(n, err)
	}
	if got, err := DecodeAlarms(payload); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

// TestManyAlarmEventsBecomeSeveralMessages: whatever is in them, within the bounds of a message.
func TestManyAlarmEventsBecomeSeveralMessages(t *testing.T) {
	worst := oilHot()
	worst.Alarm, worst.Rule, worst.Who.Name = strings.Repeat("\x01", maxAlarmName), strings.Repeat("<", maxAlarmName), strings.Repeat("&", maxAlarmName)
	worst.Text, worst.Who.Comment = strings.Repeat("\x01", MaxAlarmText), strings.Repeat("\u2028", MaxAlarmText/3)
	for name, c := range map[string]struct {
		event AlarmEvent
		count int
		most  int // messages
	}{"usual": {oilHot(), 640, 10}, "worst": {worst, 100, 50}} {
		left, messages := make([]AlarmEvent, c.count), 0
		for i := range left {
			left[i] = c.event
		}
		for ; len(left) > 0; messages++ {
			payload, n, err := EncodeAlarms(left)
			if err != nil || n == 0 || len(payload) > MaxAlarmMessage {
				t.Fatalf("%s: %d events in %d bytes, %v", name, n, len(payload), err)
			}
			if got, err := DecodeAlarms(payload); err != nil || len(got) != n {
				t.Fatalf("%s: %d came back, %v", name, len(got), err)
			}
			left = left[n:]
		}
		if messages > c.most {
			t.Errorf("%s: %d messages", name, messages)
		}
	}
}

func TestBadAlarmEventsAreRefused(t *testing.T) {
	for _, c := range []struct {
		change func(e *AlarmEvent)
		want   string
	}{
		{func(e *AlarmEvent) { e.Thing = "a/b" }, "thing"},
		{func(e *AlarmEvent) { e.Alarm = "" }, "alarm has 0 bytes"},
		{func(e *AlarmEvent) { e.Text = strings.Repeat("x", MaxAlarmText+1) }, "text has 1025 bytes"},
		{func(e *AlarmEvent) { e.Who.Name = "\xff" }, "UTF-8"},
		{func(e *AlarmEvent) { e.Severity = "urgent" }, "low, medium"},
		{func(e *AlarmEvent) { e.Sequence = 0 }, "numbers"},
		{func(e *AlarmEvent) { e.Occurrence = e.Sequence + 1 }, "numbers"},
		{func(e *AlarmEvent) { e.Merged = e.Sequence }, "numbers"},
		{func(e *AlarmEvent) { e.Time = time.Time{} }, "time"},
		{func(e *AlarmEvent) { e.To = strings.Repeat("x", 33) }, "to has 33"},
	} {
		e := oilHot()
		c.change(&e)
		if _, _, err := EncodeAlarms([]AlarmEvent{e}); !errors.Is(err, ErrAlarm) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want one with %q", e, err, c.want)
		}
	}
	for payload, want := range map[string]string{
		``: "unexpected end", `[]`: "cannot unmarshal", `{"events":[]}`: "0 in one message", `{"events":[` + strings.Repeat(`{},`, MaxAlarmEvents) + `{}]}`: "65 in one message",
		`{"events":[{}]}`: "alarm has 0 bytes", strings.Repeat(" ", MaxAlarmMessage+1): "at most",
	} {
		if _, err := DecodeAlarms([]byte(payload)); !errors.Is(err, ErrAlarm) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want one with %q", payload, err, want)
		}
	}
	if _, _, err := EncodeAlarms(nil); err == nil {
		t.Error("a message without events is encoded")
	}
}

func FuzzDecodeAlarms(f *testing.F) {
	payload, _, err := EncodeAlarms([]AlarmEvent{oilHot(), oilHot()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{"events":[{"thing":"a","alarm":"b","sequence":1,"kind":"raised","from":"normal","to":"x","time":"2026-01-01T00:00:00+14:00"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := DecodeAlarms(data)
		if err != nil {
			return
		}
		for left := events; len(left) > 0; {
			again, n, err := EncodeAlarms(left)
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeAlarms(again)
			if err != nil || len(back) != n {
				t.Fatalf("%+v came back as %+v, %v", left, back, err)
			}
			for i := range back {
				if !back[i].Time.Equal(left[i].Time) || back[i].Alarm != left[i].Alarm || back[i].Text != left[i].Text {
					t.Fatalf("%+v came back as %+v", left[i], back[i])
				}
			}
			left = left[n:]
		}
	})
}
