package shadow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// A person wants another setpoint; the delta tells the device.
func ExampleDesk_Answer() {
	desk := shadow.Desk{Store: &memory{}}
	call := shadow.Call{ID: shadow.ID{Thing: "plant7:boiler"}, Op: shadow.OpUpdate}
	for _, payload := range []string{`{"state":{"reported":{"setpoint":70}}}`, `{"state":{"desired":{"setpoint":80}},"clientToken":"anna-1"}`} {
		call.Payload = []byte(payload)
		reply, err := desk.Answer(context.Background(), call, time.Unix(1_700_000_000, 0))
		if err != nil {
			fmt.Println(err)
		}
		for _, m := range reply.Messages[:len(reply.Messages)-1] { // the last one is documents
			fmt.Println(m.Topic)
			fmt.Println(string(m.Payload))
		}
	}
	// Output:
	// $aws/things/plant7:boiler/shadow/update/accepted
	// {"state":{"reported":{"setpoint":70}},"metadata":{"reported":{"setpoint":{"timestamp":1700000000}}},"version":1,"timestamp":1700000000}
	// $aws/things/plant7:boiler/shadow/update/accepted
	// {"state":{"desired":{"setpoint":80}},"metadata":{"desired":{"setpoint":{"timestamp":1700000000}}},"version":2,"timestamp":1700000000,"clientToken":"anna-1"}
	// $aws/things/plant7:boiler/shadow/update/delta
	// {"state":{"setpoint":80},"metadata":{"setpoint":{"timestamp":1700000000}},"version":2,"timestamp":1700000000,"clientToken":"anna-1"}
}

// After a day offline: the operator changed the setpoint, the device its temperature. One message a side.
func ExampleMerge() {
	was := shadow.NewDocument(shadow.State{Desired: shadow.Object{"setpoint": "70"}, Reported: shadow.Object{"mode": "auto"}}, 4)
	base := shadow.Merge(shadow.Base{}, was, was).Done(0, 0)
	local := shadow.NewDocument(shadow.State{Desired: shadow.Object{"setpoint": "70"}, Reported: shadow.Object{"mode": "manual"}}, 31)
	cloud := shadow.NewDocument(shadow.State{Desired: shadow.Object{"setpoint": "80"}, Reported: shadow.Object{"mode": "auto"}}, 5)
	plan := shadow.Merge(base, local, cloud)
	fmt.Println("to the edge: ", string(plan.ToLocal.Payload("")))
	fmt.Println("to the cloud:", string(plan.ToCloud.Payload("")))
	// Output:
	// to the edge:  {"version":31,"state":{"desired":{"setpoint":"80"}}}
	// to the cloud: {"version":5,"state":{"reported":{"mode":"manual"}}}
}
