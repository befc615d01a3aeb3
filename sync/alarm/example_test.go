package alarm_test

import (
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
)

// Oil gets hot for a while, nobody looks, then somebody does.
func Example() {
	config := alarm.Config{Severity: alarm.High, OnDelay: 10 * time.Second, Latch: true, Escalate: []alarm.Escalation{{After: 5 * time.Minute, Severity: alarm.Critical}}}
	a, err := alarm.New("press.oil_hot", config, start)
	if err != nil {
		fmt.Println(err)
		return
	}
	events := a.Step(start, alarm.Input{Condition: alarm.On})
	next, _ := a.Next()
	events = append(events, a.Step(next, alarm.Input{})...)
	events = append(events, a.Step(next.Add(6*time.Minute), alarm.Input{Condition: alarm.Off})...)
	events = append(events, a.Acknowledge(next.Add(7*time.Minute), alarm.Who{Name: "anna"})...)
	for _, e := range events {
		fmt.Println(e.Time.Sub(start), e.Kind, "->", e.To, e.Severity)
	}
	// Output:
	// 10s raised -> unacknowledged high
	// 5m10s escalated -> unacknowledged critical
	// 6m10s gone -> returned unacknowledged critical
	// 7m10s acknowledged -> normal critical
}
