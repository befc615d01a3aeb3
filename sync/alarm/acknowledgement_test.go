package alarm_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/penstock-edge/penstock/sync/alarm"
)

// TestAcknowledgementsOfBothSidesComeToTheSame: in any order, any number of times.
func TestAcknowledgementsOfBothSidesComeToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raised, err := alarm.New("a", alarm.Config{Latch: true}, start)
		if err != nil {
			t.Fatal(err)
		}
		e := raised.Step(at(1), alarm.Input{Condition: alarm.On})[0]
		e = append(raised.Step(at(2), alarm.Input{Condition: alarm.On, Level: alarm.Critical}), e)[0]
		acks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) alarm.Acknowledgement {
			return alarm.Acknowledgement{Alarm: "a", Occurrence: e.Occurrence + rapid.Uint64Range(0, 1).Draw(t, "occurrence")*7, Sequence: e.Sequence - rapid.Uint64Range(0, 2).Draw(t, "seen"),
				Time: at(rapid.IntRange(1, 4).Draw(t, "time")), Who: alarm.Who{Name: rapid.SampledFrom([]string{"anna", "ben"}).Draw(t, "who")}}
		}), 1, 6).Draw(t, "acknowledgements")
		var ends [2]*alarm.Alarm
		for i := range ends {
			if ends[i], err = alarm.Decode(raised.Encode(), alarm.Config{Latch: true}); err != nil {
				t.Fatal(err)
			}
			order := rapid.Permutation(append(acks, acks...)).Draw(t, fmt.Sprint("order ", i))
			for _, ack := range order {
				ends[i].Apply(at(10), ack)
			}
		}
		if ends[0].State() != ends[1].State() || !reflect.DeepEqual(ends[0].Acknowledgement(), ends[1].Acknowledgement()) {
			t.Fatalf("%s by %+v\n%s by %+v", ends[0].State(), ends[0].Acknowledgement(), ends[1].State(), ends[1].Acknowledgement())
		}
	})
}

func TestAcknowledgementFromTheOtherSide(t *testing.T) {
	l := begin(t, alarm.Config{ReAlarm: time.Minute}).on(0)
	raised := l.told[0]
	ack := alarm.Acknowledgement{Alarm: raised.Alarm, Occurrence: raised.Occurrence, Sequence: raised.Sequence, Time: at(5), Who: anna}
	l.tell(l.alarm.Apply(at(8), ack)).tell(l.alarm.Apply(at(9), ack)).wait(70) // twice is once
	l.tell(l.alarm.Apply(at(71), ack))                                         // it asked again since, which anna had not seen
	l.off(80).on(90).tell(l.alarm.Apply(at(91), ack))                          // and this is another occurrence
	l.want("0s raised: normal -> unacknowledged, medium",
		"8s acknowledged: unacknowledged -> acknowledged, medium, anna",
		"1m8s re-alarmed: acknowledged -> unacknowledged, medium",
		"1m20s cleared: unacknowledged -> normal, medium",
		"1m30s raised: normal -> unacknowledged, medium")
	ack.Occurrence, ack.Sequence = l.told[4].Occurrence, l.told[4].Sequence+100
	if events := l.alarm.Apply(at(92), ack); len(events) != 0 {
		t.Errorf("acknowledged by who saw what was not told yet: %+v", events)
	}
}
