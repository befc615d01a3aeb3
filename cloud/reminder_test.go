package cloud_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

func TestReminderTellsUntilAThingHasAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, ctx, begun := cloud.NewReminder(), t.Context(), time.Now()
		var mu sync.Mutex
		var told []string
		left := 100 // how often a thing is told before it has answered
		answers := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			left = n
		}
		go func() {
			_ = r.Run(ctx, func(_ context.Context, thing string) bool {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, fmt.Sprint(thing, " ", time.Since(begun).Round(100*time.Millisecond)))
				left--
				return left > 0
			})
		}()
		want := func(what string, list ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !reflect.DeepEqual(told, list) {
				t.Errorf("%s: told %v, want %v", what, told, list)
			}
			told, begun = nil, time.Now()
		}
		r.Later("plant7")
		time.Sleep(time.Hour)
		want("one that is not connected")
		r.Connected("plant7")
		time.Sleep(time.Minute)
		want("one that does not answer", "plant7 0s", "plant7 500ms", "plant7 1.5s", "plant7 3.5s", "plant7 7.5s", "plant7 15.5s", "plant7 31.5s")
		answers(1)
		time.Sleep(time.Hour)
		want("one that has answered", "plant7 3.5s")
		answers(2)
		r.Later("plant7")
		time.Sleep(time.Hour)
		want("one that has something new", "plant7 2s", "plant7 6s")
		answers(100)
		r.Connected("plant8")
		synctest.Wait()
		r.Connected("plant8")
		synctest.Wait()
		r.Gone("plant8")
		time.Sleep(time.Second)
		want("one whose new connection took over", "plant8 0s", "plant8 0s", "plant8 500ms")
		r.Gone("plant8")
		r.Gone("plant8")
		time.Sleep(time.Hour)
		want("one that is gone")
	})
}
