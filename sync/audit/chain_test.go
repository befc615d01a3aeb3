package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
)

// chain is n lines about a setpoint.
func chain(t testing.TB, n int) (lines [][]byte) {
	var head audit.Head
	for i := range n {
		line, next, err := head.Seal(audit.Entry{
			Time: time.Unix(int64(i), 0).UTC(), Who: "anna", Action: "point.write", Object: "press.recipe", Outcome: audit.Done,
			Details: map[string]string{"value": fmt.Sprint(i)},
		})
		if err != nil {
			t.Fatal(err)
		}
		lines, head = append(lines, line), next
	}
	return lines
}

func verify(lines [][]byte) error {
	var head audit.Head
	for _, l := range lines {
		if err := head.Verify(l); err != nil {
			return err
		}
	}
	return nil
}

func TestAChainVerifies(t *testing.T) {
	if err := verify(chain(t, 50)); err != nil {
		t.Error(err)
	}
}

// TestS23_ALineEditedRemovedOrReorderedShows: whatever is done to one line that has another behind it shows.
func TestS23_ALineEditedRemovedOrReorderedShows(t *testing.T) {
	for at := range 9 {
		whole := chain(t, 10)
		for i := range whole[at] {
			edited := bytes.Clone(whole[at])
			edited[i] ^= 1
			if err := verify(append(append(append([][]byte{}, whole[:at]...), edited), whole[at+1:]...)); !errors.Is(err, audit.ErrBroken) {
				t.Fatalf("byte %d of line %d flipped: %v", i, at+1, err)
			}
		}
		if err := verify(append(append([][]byte{}, whole[:at]...), whole[at+1:]...)); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("line %d taken out: %v", at+1, err)
		}
		swapped := append([][]byte{}, whole...)
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		if err := verify(swapped); !errors.Is(err, audit.ErrBroken) {
			t.Errorf("lines %d and %d swapped: %v", at+1, at+2, err)
		}
	}
}

func TestALineIsBounded(t *testing.T) {
	long := strings.Repeat("\x01ä", 40_000)
	details := map[string]string{}
	for i := range 100 {
		details[fmt.Sprint(i, long)] = long
	}
	line, head, err := audit.Head{}.Seal(audit.Entry{Who: long, From: long, Action: long, Object: long, Outcome: audit.Failed, Reason: long, Trace: long, Details: details})
	if err != nil || len(line) > audit.MaxLine {
		t.Fatalf("%d bytes, %v", len(line), err)
	}
	var check audit.Head
	if err := check.Verify(line); err != nil || check != head {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, l := range chain(f, 2) {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if r, err := audit.Parse(line); err == nil {
			if _, _, err := (audit.Head{Seq: r.Seq}).Seal(r.Entry); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}
