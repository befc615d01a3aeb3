package buffer_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/penstock-edge/penstock/buffer"
)

// TestADiskThatFailsIsBelieved: whether a transaction failed before it began or its outcome was lost, the append is void, what was there is
// delivered once, and the queue goes on when the disk does.
func TestADiskThatFailsIsBelieved(t *testing.T) {
	for name, fail := range map[string]func(commit func() error) error{
		"before": func(func() error) error { return syscall.ENOSPC },
		"after":  func(commit func() error) error { return errors.Join(commit(), syscall.EIO) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, failing := t.TempDir(), false
			q, err := buffer.Open(dir, buffer.Options{Disk: func(_ string, commit func() error) error {
				if failing {
					return fail(commit)
				}
				return commit()
			}})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 30 {
				text := fmt.Sprint("record ", i)
				failing = i%3 == 1
				_, err := q.Append(t.Context(), buffer.Record{Class: buffer.Normal, Samples: 1, Data: []byte(text)})
				if failing != (err != nil) {
					t.Errorf("append %d: %v, while the disk fails: %v", i, err, failing)
				}
				if err == nil {
					want = append(want, text)
				}
			}
			failing = false
			for range 2 { // as it is, and as it is after a restart
				got, after := []string{}, uint64(0)
				for len(got) < len(want) {
					recs, err := q.Next(t.Context(), after, 100)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range recs {
						got, after = append(got, string(r.Data)), r.Seq
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) || len(q.Losses()) > 0 {
					t.Errorf("delivered %q, losses %v; want %q", got, q.Losses(), want)
				}
				if err := q.Close(); err != nil {
					t.Fatal(err)
				}
				if q, err = buffer.Open(dir, buffer.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := q.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
