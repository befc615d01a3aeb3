package shadow_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/shadow"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// keys are those of all orders, each once.
func (e *edge) keys() map[string]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	keys := map[string]bool{}
	for _, o := range e.orders {
		keys[o.Key] = true
	}
	return keys
}

// TestARegisterOf32Bits: 0.1 reads as 0.10000000149011612, and that is what was desired.
func TestARegisterOf32Bits(t *testing.T) {
	const narrow = float64(float32(0.1))
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(shadow.Order) shadow.Result {
			return shadow.Result{Done: true, Value: telemetry.Float64(narrow), Repeated: len(e.orders) > 1}
		}
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":0.1}}`)
		e.quiet()
		e.read(speed, narrow)
		e.quiet()
		e.same(press, `{"speed":0.1}`, `{"speed":0.1}`)
		e.restart()
		e.connect()
		e.read(speed, narrow)
		e.quiet()
		e.same(press, `{"speed":0.1}`, `{"speed":0.1}`)
		if n := len(e.keys()); n != 1 {
			t.Errorf("%d orders", n)
		}
		e.read(speed, 0.2)
		e.quiet()
		e.same(press, `{"speed":0.1}`, `{"speed":0.2}`)
	})
}

// TestATroubledShadowHoldsUpNoOther: the server has an error, refuses, or says nothing about one shadow; for an hour. Others go on.
func TestATroubledShadowHoldsUpNoOther(t *testing.T) {
	bad := doc.ID{Thing: "plant7:press", Name: "bad"}
	for what, c := range map[string]struct {
		refuse func(doc.Topic) *doc.Error
		most   int64 // requests about it in an hour
	}{
		"an error":  {func(doc.Topic) *doc.Error { return doc.InternalFailure() }, 40},
		"too large": {func(doc.Topic) *doc.Error { return &doc.Error{Code: 413, Message: "too large"} }, 1},
		"silence":   {func(doc.Topic) *doc.Error { return &doc.Error{Code: silence} }, 40},
	} {
		t.Run(what, func(t *testing.T) {
			story(t, func(t *testing.T, e *edge) {
				var asked atomic.Int64
				e.cloud.refuse = func(topic doc.Topic) *doc.Error {
					if topic.ID != bad {
						return nil
					}
					asked.Add(1)
					return c.refuse(topic)
				}
				e.update(bad, `{"desired":{"a":1}}`)
				e.connect()
				time.Sleep(time.Hour)
				if n := asked.Load(); n < 1 || n > c.most {
					t.Errorf("%d requests about it in an hour, want at most %d", n, c.most)
				}
				e.cloud.set(t, press, `{"desired":{"speed":5}}`)
				time.Sleep(time.Second)
				synctest.Wait()
				if got := e.written(); len(got) != 1 {
					t.Errorf("written %v within a second, want 5", got)
				}
				e.cloud.refuse = nil
				e.update(bad, `{"desired":{"a":2}}`)
				time.Sleep(6 * time.Minute)
				e.quiet()
				e.same(bad, `{"a":2}`, `{}`)
			})
		})
	}
}

// TestWhatIsDesiredNextDoesNotWait for the pause after a value that failed.
func TestWhatIsDesiredNextDoesNotWait(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(o shadow.Order) shadow.Result {
			if o.Value.String() == "7" {
				return shadow.Result{Retry: true, Code: "WRITE_FAILED", Reason: "the device does not answer"}
			}
			return shadow.Result{Done: true, Value: o.Value}
		}
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":7}}`)
		time.Sleep(time.Hour)
		tries := len(e.written())
		for range 100 { // something else is reported meanwhile: no reason to hurry
			e.read(temp, float64(time.Now().Unix()))
			time.Sleep(time.Second)
		}
		if n := len(e.written()) - tries; n > 1 {
			t.Errorf("%d tries in 100 s after an hour", n)
		}
		e.cloud.set(t, press, `{"desired":{"speed":8}}`)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := e.written(); got[len(got)-1] != "8" {
			t.Errorf("a second later 8 is not written")
		}
	})
}

// TestDoneIsTheLastWord, also where it took three tries, and the point reads something else since.
func TestDoneIsTheLastWord(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(shadow.Order) shadow.Result {
			if len(e.orders) < 3 {
				return shadow.Result{Retry: true, Code: "WRITE_FAILED", Reason: "the device does not answer"}
			}
			return shadow.Result{Done: true, Value: telemetry.Float64(6.9)} // within its tolerance
		}
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":7}}`)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(e.written()); n != 3 {
			t.Errorf("%d orders, want 3", n)
		}
		e.same(press, `{"speed":7}`, `{"speed":6.9}`)
	})
}

// TestAReasonGoesWithItsWish: withdrawn, or met by somebody at the machine.
func TestAReasonGoesWithItsWish(t *testing.T) {
	for what, meet := range map[string]func(*testing.T, *edge){
		"withdrawn here":         func(_ *testing.T, e *edge) { e.update(press, `{"desired":null}`) },
		"withdrawn in the cloud": func(t *testing.T, e *edge) { e.cloud.set(t, press, `{"desired":{"speed":null}}`) },
		"met at the machine":     func(_ *testing.T, e *edge) { e.read(speed, 500) },
	} {
		t.Run(what, func(t *testing.T) {
			story(t, func(t *testing.T, e *edge) {
				e.answer = func(shadow.Order) shadow.Result { return shadow.Result{Code: "OUT_OF_RANGE", Reason: "write 0..100"} }
				e.connect()
				e.cloud.set(t, press, `{"desired":{"speed":500}}`)
				e.quiet()
				if e.local(press).Reported["penstock"] == nil {
					t.Fatal("no reason is reported")
				}
				meet(t, e)
				e.quiet()
				if got := e.local(press).Reported["penstock"]; got != nil {
					t.Errorf("the reason is still there: %v", got)
				}
			})
		})
	}
}

// TestASettingOfThisSideComesBack from the cloud as the same one, also when the line was cut before anybody knew.
func TestASettingOfThisSideComesBack(t *testing.T) {
	for _, cut := range []bool{false, true} {
		story(t, func(t *testing.T, e *edge) {
			e.update(press, `{"desired":{"speed":55}}`)
			e.quiet()
			e.read(speed, 33) // somebody turned the knob
			e.quiet()
			if cut {
				e.cloud.after = func(topic doc.Topic) bool { return topic.Op == doc.OpUpdate }
				e.connect()
				e.cloud.after = nil
			}
			e.restart()
			for range 3 {
				e.connect()
			}
			e.same(press, `{"speed":55}`, `{"speed":33}`)
			if n := len(e.keys()); n != 1 {
				t.Errorf("cut %v: %d settings were written, want one", cut, n)
			}
			e.update(press, `{"desired":{"speed":55}}`) // again: it is meant
			e.quiet()
			if n := len(e.keys()); n != 2 {
				t.Errorf("cut %v: set again, %d settings were written, want two", cut, n)
			}
		})
	}
}

// TestWhatWasDoneBeforeIsNotReported again as if it were read: the machine may have another value since.
func TestWhatWasDoneBeforeIsNotReported(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(o shadow.Order) shadow.Result {
			return shadow.Result{Done: true, Value: o.Value, Repeated: len(e.orders) > 1}
		}
		e.update(press, `{"desired":{"speed":55}}`)
		e.quiet()
		e.read(speed, 33)
		e.quiet()
		e.restart()
		e.quiet()
		if got := e.local(press).Reported["speed"]; len(e.written()) != 2 || !doc.Equal(got, parse(t, `{"v":33}`).(doc.Object)["v"]) {
			t.Errorf("reported is %v, want 33; orders %v", got, e.written())
		}
	})
}

// TestAStrangersShadowStaysHere: the cloud would not let this gateway ask for it.
func TestAStrangersShadowStaysHere(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		stranger := doc.ID{Thing: "visitor"}
		e.cloud.refuse = func(topic doc.Topic) *doc.Error {
			if topic.ID == stranger {
				t.Errorf("the cloud is asked for %v", topic)
			}
			return nil
		}
		e.update(stranger, `{"desired":{"a":1}}`)
		e.connect()
		e.update(stranger, `{"desired":{"a":2}}`)
		e.quiet()
		if got := e.local(stranger).Desired["a"]; !doc.Equal(got, parse(t, `{"v":2}`).(doc.Object)["v"]) {
			t.Errorf("here it is %v, want 2", got)
		}
		for _, f := range e.m.Filters() {
			if !strings.HasPrefix(f, "$aws/things/plant7") {
				t.Errorf("filter %s", f)
			}
		}
	})
}
