package buffer_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/penstock-edge/penstock/buffer"
)

// TestWhoWasInACrowdIsNotWaitedForWithoutEnd: where a commit takes no time, as in virtual time, the next one does not wait for those of the one before.
func TestWhoWasInACrowdIsNotWaitedForWithoutEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		blocking := false
		q, err := buffer.Open(dir, buffer.Options{Disk: func(_ string, commit func() error) error {
			if blocking {
				blocking = false
				close(entered)
				<-leave
			}
			return commit()
		}})
		if err != nil {
			t.Fatal(err)
		}
		one := func() {
			if _, err := q.Append(t.Context(), buffer.Record{Class: buffer.Normal, Samples: 1, Data: []byte("x")}); err != nil {
				t.Error(err)
			}
		}
		blocking = true
		var all sync.WaitGroup
		all.Go(one)
		<-entered
		for range 5 { // they come together, behind the first
			all.Go(one)
		}
		synctest.Wait()
		close(leave)
		all.Wait()
		one()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}
