package modbus

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Line is how characters are sent on a serial line: 19200 8E1.
type Line struct {
	Baud   int
	Data   int  // bits, 7 or 8; RTU needs 8
	Parity byte // N, E or O
	Stop   int  // bits, 1 or 2
}

// UnmarshalText reads "19200 8E1".
func (l *Line) UnmarshalText(text []byte) error {
	baud, frame, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	frame = strings.ToUpper(strings.TrimSpace(frame))
	n, err := strconv.Atoi(baud)
	if err != nil || n < 110 || n > 4_000_000 || len(frame) != 3 ||
		!strings.Contains("78", frame[:1]) || !strings.Contains("NEO", frame[1:2]) || !strings.Contains("12", frame[2:]) {
		return &adapters.KeyError{Err: fmt.Errorf("%q does not describe a serial line", text), Hint: `write speed, data bits, parity and stop bits, as in "19200 8E1"`}
	}
	*l = Line{Baud: n, Data: int(frame[0] - '0'), Parity: frame[1], Stop: int(frame[2] - '0')}
	return nil
}

func (l Line) String() string {
	if l.Baud == 0 {
		return ""
	}
	return fmt.Sprintf("%d %d%c%d", l.Baud, l.Data, l.Parity, l.Stop)
}

// character is how long one character takes: start bit, data, parity, stop bits.
func (l Line) character() time.Duration {
	bits := 1 + l.Data + l.Stop
	if l.Parity != 'N' {
		bits++
	}
	return time.Duration(bits) * time.Second / time.Duration(l.Baud)
}

// silence is what must part two frames: 3.5 characters, and 1.75 ms above 19200 baud (Modbus over Serial Line 1.02, 2.5.1.1).
func (l Line) silence() time.Duration {
	if l.Baud > 19200 {
		return 1750 * time.Microsecond
	}
	return l.character() * 7 / 2
}
