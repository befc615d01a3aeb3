package clock

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penstock-edge/penstock/sync/wire"
)

// Machine is the clocks of a machine. It is called from many goroutines.
type Machine interface {
	// Now reads both clocks in one moment: nanoseconds since 1970 by the wall clock, which may be anything, and since the machine booted,
	// which is true. ok is false when it could not be done in one moment; there will be another.
	Now() (wall, up int64, ok bool)
	// Synchronised tells whether somebody who knows vouches for the wall clock.
	Synchronised() bool
	// Service names the time service that runs here and may do so yet; empty when there is none.
	Service() string
	// Boot is the boot that up counts from.
	Boot() (wire.Boot, error)
}

// Kernel is the machine this process runs on.
type Kernel struct{}

// inOneMoment is how far apart the clocks may be read. It must be well below stepSize.
const inOneMoment = 2 * time.Millisecond

// Now implements Machine by CLOCK_REALTIME and CLOCK_BOOTTIME, which counts while the machine sleeps. What adjusts the pace of the one adjusts
// that of the other, so their distance changes by steps only.
func (Kernel) Now() (wall, up int64, ok bool) {
	for range 5 {
		before := bootTime()
		wall = time.Now().UnixNano()
		after := bootTime()
		if after-before < int64(inOneMoment) {
			return wall, before + (after-before)/2, true
		}
	}
	return wall, bootTime(), false
}

func bootTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("BUG: Linux has had CLOCK_BOOTTIME since 2.6.39: " + err.Error())
	}
	return t.Nano()
}

// Synchronised implements Machine by what adjtimex(2) tells without being asked to change anything. Setting the clock clears it, the
// time service sets it. Where a sandbox forbids the call, the word of systemd-timesyncd is taken.
func (Kernel) Synchronised() bool {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err == nil {
		return t.Status&unix.STA_UNSYNC == 0
	}
	return exists("/run/systemd/timesync/synchronized")
}

// Service implements Machine: each of them has a file below /run while it runs.
func (Kernel) Service() string {
	for _, s := range []struct{ path, name string }{
		{"/run/systemd/timesync", "systemd-timesyncd"},
		{"/run/chrony", "chronyd"}, {"/run/chronyd.pid", "chronyd"}, // the folder: who is not chrony cannot look into it
		{"/run/ntpd.pid", "ntpd"}, {"/run/ntp.pid", "ntpd"}, {"/run/ntpsec", "ntpd"}, {"/run/openntpd", "openntpd"},
		{"/run/ptp4l", "ptp4l"}, {"/run/phc2sys.0", "phc2sys"},
	} {
		if exists(s.path) {
			return s.name
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const bootID = "/proc/sys/kernel/random/boot_id"

// Boot implements Machine.
func (Kernel) Boot() (b wire.Boot, err error) {
	text, err := os.ReadFile(bootID)
	if err != nil {
		return b, err
	}
	digits := bytes.ReplaceAll(bytes.TrimSpace(text), []byte("-"), nil)
	if len(digits) != hex.EncodedLen(len(b)) {
		err = errors.New("it is no UUID")
	} else {
		_, err = hex.Decode(b[:], digits)
	}
	if err != nil {
		return b, fmt.Errorf("read %s: %w", bootID, err)
	}
	return b, nil
}
