package faults_test

import (
	"path/filepath"
	"testing"
	"time"
)

// Writer and reader are killed together, at any moment.
func TestR1_KilledAtRandomMoments(t *testing.T) {
	control := newRig(t, filepath.Join(t.TempDir(), "buffer"), realStore)
	control.early = true
	caught := control.control(controlCycles)

	began := time.Now()
	r := newRig(t, filepath.Join(t.TempDir(), "buffer"), realStore)
	r.run(*kills)
	t.Logf("R1: %d kills in %v: 0 acknowledged lost, 0 visible twice, 0 wrong bytes, 0 hand repairs; %v", *kills, time.Since(began).Round(time.Second), r)
	t.Logf("R3: kill -9: a store that acknowledges before it commits was caught in cycle %d", caught)
}
