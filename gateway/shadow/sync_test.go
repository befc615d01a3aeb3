package shadow_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/gateway/shadow"
	doc "github.com/penstock-edge/penstock/sync/shadow"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// TestWhatIsReadIsReported: the first at once, then once a second, and only what changed.
func TestWhatIsReadIsReported(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.connect()
		e.read(temp, 20)
		synctest.Wait()
		if got := e.cloud.state(press).Reported["temp"]; !doc.Equal(got, json.Number("20")) {
			t.Errorf("the first reading is %v in the cloud, want 20 at once", got)
		}
		e.cloud.count()
		for range 50 {
			e.read(temp, 20)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := e.cloud.count(); n > 0 {
			t.Errorf("%d requests for a reading that does not change", n)
		}
		for i := range 50 {
			e.read(temp, float64(i))
			time.Sleep(100 * time.Millisecond)
		}
		e.quiet()
		if n := e.cloud.count(); n > 2*7 {
			t.Errorf("%d requests for 5 seconds of changes; a get and an update a second are enough", n)
		}
		e.m.Put([]telemetry.Sample{{Point: temp, Quality: telemetry.BadTimeout}})
		e.quiet()
		e.same(press, `{}`, `{"temp":49}`)
	})
}

// TestADesiredValueIsWrittenOnce: however often it is delivered, through restarts, and again when somebody sets it again.
func TestADesiredValueIsWrittenOnce(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":55}}`)
		e.quiet()
		e.same(press, `{"speed":55}`, `{"speed":55}`)
		e.cloud.connect(e.m)
		e.quiet()
		e.restart()
		e.connect()
		if got := e.written(); len(got) != 1 || got[0] != "55" {
			t.Errorf("written %v, want 55 once", got)
		}
		e.cloud.set(t, press, `{"desired":{"speed":40}}`)
		e.quiet()
		e.read(speed, 33) // somebody turned the knob at the machine
		e.quiet()
		e.same(press, `{"speed":40}`, `{"speed":33}`)
		before := len(e.orders)
		e.cloud.connect(e.m)
		e.quiet()
		if e.orders[len(e.orders)-1].Key != e.orders[1].Key {
			t.Errorf("the same setting has two keys: %d orders before, %+v", before, e.orders)
		}
		e.cloud.set(t, press, `{"desired":{"speed":40}}`) // again: it is meant
		e.quiet()
		if last := e.orders[len(e.orders)-1]; last.Key == e.orders[1].Key {
			t.Error("a value that was set again has the key of the first time")
		}
	})
}

// TestARefusalIsReportedWithItsReason, and taken away when a value is accepted.
func TestARefusalIsReportedWithItsReason(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(o shadow.Order) shadow.Result {
			if f, _ := o.Value.Float(); f > 100 {
				return shadow.Result{Code: "OUT_OF_RANGE", Reason: "write 0..100"}
			}
			return shadow.Result{Done: true, Value: o.Value}
		}
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":500}}`)
		e.quiet()
		e.same(press, `{"speed":500}`, `{"penstock":{"refused":{"speed":{"code":"OUT_OF_RANGE","message":"write 0..100","value":500}}}}`)
		e.cloud.count()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := e.cloud.count(); n > 0 || len(e.written()) != 1 {
			t.Errorf("%d requests and %d orders for something that was refused", n, len(e.written()))
		}
		e.cloud.set(t, press, `{"desired":{"speed":50}}`)
		e.quiet()
		e.same(press, `{"speed":50}`, `{"speed":50}`)
	})
}

// TestWhatFailsIsTriedAgain, with longer and longer pauses, each try an order of its own.
func TestWhatFailsIsTriedAgain(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.answer = func(o shadow.Order) shadow.Result {
			if len(e.orders) < 4 {
				return shadow.Result{Retry: true, Code: "WRITE_FAILED", Reason: "the device does not answer"}
			}
			return shadow.Result{Done: true, Value: o.Value}
		}
		e.connect()
		e.cloud.set(t, press, `{"desired":{"speed":7}}`)
		time.Sleep(time.Minute)
		e.quiet()
		keys := map[string]bool{}
		for _, o := range e.orders {
			keys[o.Key] = true
		}
		if len(e.orders) != 4 || len(keys) != 4 {
			t.Errorf("%d orders with %d keys, want 4 of each", len(e.orders), len(keys))
		}
		e.same(press, `{"speed":7}`, `{"speed":7}`)
	})
}

// TestDS20_TheLocalServiceWorksOffline: AWS IoT's REST API on the gateway, without a cloud, through restarts; later the cloud has it all.
func TestDS20_TheLocalServiceWorksOffline(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		call := func(method, path, body string) (int, string) {
			w := httptest.NewRecorder()
			e.m.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
			return w.Code, w.Body.String()
		}
		if code, text := call("GET", "/things/plant7:press/shadow", ""); code != 404 || !strings.Contains(text, "No shadow exists with name") {
			t.Errorf("before: %d %s", code, text)
		}
		if code, text := call("POST", "/things/plant7:press/shadow?name=recipe", `{"state":{"desired":{"id":"A"}}}`); code != 200 || !strings.Contains(text, `"version":1`) {
			t.Errorf("update: %d %s", code, text)
		}
		if code, text := call("POST", "/things/plant7:press/shadow?name=recipe", `{"state":1}`); code != 400 {
			t.Errorf("nonsense: %d %s", code, text)
		}
		if code, text := call("POST", "/things/plant7:press/shadow?name=recipe", `{"state":{"desired":{"id":"`+strings.Repeat("x", 9<<10)+`"}}}`); code != 413 {
			t.Errorf("9 KB: %d %s", code, text)
		}
		e.restart()
		if code, text := call("GET", "/things/plant7:press/shadow?name=recipe", ""); code != 200 || !strings.Contains(text, `"id":"A"`) {
			t.Errorf("after a restart: %d %s", code, text)
		}
		if code, text := call("GET", "/api/things/shadow/ListNamedShadowsForThing/plant7:press", ""); code != http.StatusOK || !strings.Contains(text, `["recipe"]`) {
			t.Errorf("names: %d %s", code, text)
		}
		e.connect()
		e.same(doc.ID{Thing: "plant7:press", Name: "recipe"}, `{"id":"A"}`, `{}`)
	})
}

// TestDS21_OneWay: the other side's edits are undone by the next sync.
func TestDS21_OneWay(t *testing.T) {
	for way, want := range map[doc.Direction]string{doc.DeviceToCloud: `{"here":1}`, doc.CloudToDevice: `{"there":1}`} {
		t.Run(string(way), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEdge(t)
				e.sync.Direction = way
				e.start()
				e.update(press, `{"desired":{"here":1}}`)
				e.cloud.set(t, press, `{"desired":{"there":1}}`)
				e.connect()
				e.same(press, want, `{}`)
				e.stop()
			})
		})
	}
}

// TestDS21_NowAndThen: with a period, changes wait for it; rates are kept on both sides.
func TestDS21_NowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t)
		e.sync.Every = time.Minute
		e.start()
		e.cloud.connect(e.m)
		time.Sleep(2 * time.Minute)
		e.cloud.count()
		for range 10 {
			e.read(temp, float64(time.Now().Unix()%1000))
			time.Sleep(3 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := e.cloud.count(); n < 2 || n > 4 {
			t.Errorf("%d requests for half a minute of changes, synced once a minute", n)
		}
		refused := 0
		for range 100 {
			if reply, err := e.m.Answer(t.Context(), doc.Call{ID: press, Op: doc.OpGet}); err != nil {
				t.Fatal(err)
			} else if reply.Refused != nil && reply.Refused.Code == 429 {
				refused++
			}
		}
		if refused != 80 {
			t.Errorf("of 100 local requests in one moment %d were refused; 20 a second are allowed", refused)
		}
		e.stop()
	})
}

// TestDS22_BothSidesHaveChanged: the device wins on what is reported, the cloud on what is desired, a change of one side on anything.
func TestDS22_BothSidesHaveChanged(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		e.update(press, `{"desired":{"a":1,"b":1,"list":[1,2]},"reported":{"x":1,"y":1}}`)
		e.connect()
		e.cloud.cut()
		e.update(press, `{"desired":{"a":2,"list":[1,3]},"reported":{"x":2}}`)
		e.cloud.set(t, press, `{"desired":{"a":3,"b":3,"list":[9]},"reported":{"x":3,"y":3}}`)
		e.connect()
		e.same(press, `{"a":3,"b":3,"list":[9]}`, `{"x":2,"y":3}`)
		e.cloud.cut()
		e.update(press, `{"desired":{"b":3.0}}`) // means the same
		e.cloud.count()
		e.connect()
		e.same(press, `{"a":3,"b":3,"list":[9]}`, `{"x":2,"y":3}`)
	})
}

// TestDS23_OneSideIsMissing: made again when the other was changed since, else gone on both.
func TestDS23_OneSideIsMissing(t *testing.T) {
	remove := func(e *edge) {
		e.t.Helper()
		if _, err := e.m.Answer(e.t.Context(), doc.Call{ID: press, Op: doc.OpDelete}); err != nil {
			e.t.Fatal(err)
		}
	}
	for what, c := range map[string]struct {
		meanwhile func(t *testing.T, e *edge)
		left      string
	}{
		"deleted here":                       {func(_ *testing.T, e *edge) { remove(e) }, `{}`},
		"deleted here and changed there":     {func(t *testing.T, e *edge) { remove(e); e.cloud.set(t, press, `{"desired":{"a":2}}`) }, `{"a":2}`},
		"deleted in the cloud":               {func(t *testing.T, e *edge) { e.cloud.remove(t) }, `{}`},
		"deleted in the cloud, changed here": {func(t *testing.T, e *edge) { e.cloud.remove(t); e.update(press, `{"desired":{"a":2}}`) }, `{"a":2}`},
	} {
		t.Run(what, func(t *testing.T) {
			story(t, func(t *testing.T, e *edge) {
				e.update(press, `{"desired":{"a":1}}`)
				e.connect()
				e.cloud.cut()
				c.meanwhile(t, e)
				e.restart()
				e.connect()
				e.same(press, c.left, `{}`)
				e.cloud.count()
				e.cloud.connect(e.m)
				e.quiet()
				if n := e.cloud.count(); n > 3 {
					t.Errorf("%d requests though nothing changed: a get a shadow is enough", n)
				}
			})
		})
	}
}

func (c *cloud) remove(t *testing.T) {
	t.Helper()
	reply, err := c.desk.Answer(t.Context(), doc.Call{ID: press, Op: doc.OpDelete}, time.Now())
	if err != nil || reply.Refused != nil {
		t.Fatal(reply.Refused, err)
	}
	c.say(reply.Messages)
}

// TestDS25_SomebodyIsQuicker: an edit between reading and writing is met by reading again; errors of the server by waiting.
func TestDS25_SomebodyIsQuicker(t *testing.T) {
	story(t, func(t *testing.T, e *edge) {
		edits := 0
		e.cloud.first = func(topic doc.Topic) {
			if topic.ID == press && topic.Op == doc.OpUpdate && edits < 3 {
				edits++
				e.cloud.set(t, press, `{"desired":{"b":`+string(rune('0'+edits))+`}}`)
			}
		}
		e.update(press, `{"desired":{"a":1}}`)
		e.connect()
		e.same(press, `{"a":1,"b":3}`, `{}`)

		failures := 0
		e.cloud.refuse = func(topic doc.Topic) *doc.Error {
			if failures++; failures <= 3 {
				return doc.InternalFailure()
			}
			return nil
		}
		e.update(press, `{"desired":{"a":2}}`)
		time.Sleep(time.Minute)
		e.quiet()
		e.same(press, `{"a":2,"b":3}`, `{}`)
	})
}
