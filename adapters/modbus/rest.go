package modbus

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// fine is the longest wait that is slept in one go, and to the tenth of a millisecond. Go's own timers end a whole millisecond late when
// nothing else happens, which on a serial line is a twentieth of a transaction.
const fine = 4 * time.Millisecond

// rest waits on a wire on which nothing may be sent yet.
func rest(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	end := time.Now().Add(pause)
	if pause > fine {
		t := time.NewTimer(pause - fine/2)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return errSilent
		}
	}
	for left := time.Until(end); left > 0; left = time.Until(end) {
		span := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&span, nil) // a signal ends it early, and then the rest is slept
	}
	return nil
}
