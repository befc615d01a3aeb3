package simulation

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/sync/wire"
)

// wall is the gateway's machine's clocks: what the wall clock says is off by what somebody has set it to; the time since boot is true.
type wall struct {
	mu   sync.Mutex
	off  time.Duration
	lost bool      // nobody vouches for it
	boot uint64    // counts power cuts
	at   time.Time // of the boot
}

// set steps the wall clock. Until it is set to no step nobody vouches for it.
func (w *wall) set(off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off, w.lost = off, off != 0
}

// restart is what a power cut does.
func (w *wall) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boot, w.at = w.boot+1, time.Now()
}

// time is what the wall clock says.
func (w *wall) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.off)
}

// Now is the law of clock.Machine.
func (w *wall) Now() (wall, up int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.off).UnixNano(), int64(time.Since(w.at)), true
}

func (w *wall) Synchronised() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.lost
}

func (w *wall) Service() string { return "simulated" }

func (w *wall) Boot() (b wire.Boot, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	binary.BigEndian.PutUint64(b[:], w.boot+1)
	return b, nil
}
