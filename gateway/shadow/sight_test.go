package shadow_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/shadow"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// TestAChangeCostsOneRequest: what the cloud holds is known from what it tells, so a change here is an update, and one there costs nothing.
func TestAChangeCostsOneRequest(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.update(press, `{"desired":{"a":0}}`)
		e.connect()
		e.update(press, `{"desired":{"a":1}}`) // the cloud's was new; from here on it is in sight
		e.quiet()
		e.cloud.count()
		for i := range 10 {
			e.update(press, fmt.Sprintf(`{"desired":{"a":%d}}`, i+10))
			e.quiet()
			e.cloud.set(t, press, fmt.Sprintf(`{"desired":{"b":%d}}`, i))
			e.quiet()
		}
		if n := e.cloud.count(); n != 10 {
			t.Errorf("%d requests for 10 changes here and 10 there, want 10", n)
		}
		e.same(press, `{"a":19,"b":9}`, `{}`)
	})
}

// TestWhatIsInSightIsWhatIs: edits of all sorts on both sides, some at one moment, some messages lost; both sides hold the same after each.
func TestWhatIsInSightIsWhatIs(t *testing.T) {
	edits := []string{
		`{"desired":{"k%d":%d}}`, `{"reported":{"k%d":%d}}`, `{"desired":{"o":{"k%d":%d}}}`, `{"desired":{"k%d":null,"x":%d}}`,
		`{"desired":{"o":{"k%d":{"deep":{"er":[%d]}}}},"reported":null}`, `{"desired":{"o":null,"list":[%d,%d]}}`, `{"reported":{"o":{"k%d":{"e":{}}},"y":%d}}`,
	}
	story(t, func(t *testing.T, e *edge) {
		chance := rand.New(rand.NewPCG(7, 7))
		e.update(press, `{"desired":{"a":0}}`)
		e.connect()
		for i := range 150 {
			edit := func() string { return fmt.Sprintf(edits[chance.IntN(len(edits))], chance.IntN(4), i) }
			if what := chance.IntN(10); what < 7 {
				e.update(press, edit())
			} else if what == 9 {
				e.cloud.lose(func() { e.cloud.set(t, press, edit()) })
				e.update(press, edit()) // whatever comes next brings it to light
			}
			if chance.IntN(2) == 0 {
				e.cloud.set(t, press, edit())
			}
			e.quiet()
			if here, there := e.local(press), e.cloud.state(press); !here.Equal(there) {
				t.Fatalf("edit %d: here %v, in the cloud %v", i, here, there)
			}
			if i%50 == 49 {
				if _, err := e.m.Answer(t.Context(), doc.Call{ID: press, Op: doc.OpDelete}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
		}
	})
}

// lose runs fn while what the cloud says does not get through, though the line holds.
func (c *cloud) lose(fn func()) {
	c.mu.Lock()
	to := c.to
	c.to = nil
	c.mu.Unlock()
	fn()
	c.mu.Lock()
	c.to = to
	c.mu.Unlock()
}

// FuzzReceive: whatever comes on the topics of shadows is taken or warned of.
func FuzzReceive(f *testing.F) {
	f.Add("$aws/things/plant7:press/shadow/update/accepted", []byte(`{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":1}}},"version":2,"timestamp":1}`))
	f.Add("$aws/things/plant7:press/shadow/get/accepted", []byte(`{"state":{"desired":{"a":null}},"version":1}`))
	f.Add("$aws/things/plant7/shadow/name/n/update/rejected", []byte(`{"code":409,"message":"Version conflict","clientToken":"x"}`))
	f.Add("$aws/things/x/shadow/delete/accepted", []byte(`{}`))
	m, err := shadow.New(plant(), nil, shadow.Options{Gateway: "plant7"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		m.Receive(topic, payload)
		m.Receive("$aws/things/plant7:press/shadow/get/accepted", payload)
		m.Receive("$aws/things/plant7:press/shadow/update/accepted", payload)
	})
}
