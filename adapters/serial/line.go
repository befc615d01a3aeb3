package serial

import (
	"fmt"
	"slices"
	"strings"
)

// Line is a port's speed and how a character is framed: "9600 7E1" is 9600 baud, 7 data bits, even parity, 1 stop bit.
type Line struct {
	Baud   int
	Bits   byte // 7 or 8
	Parity byte // N, E or O
	Stop   byte // 1 or 2
}

// speeds are those that both the library and Linux know.
var speeds = []int{
	50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000,
	576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
}

// UnmarshalText reads "9600 7E1"; "9600" alone is 9600 8N1.
func (l *Line) UnmarshalText(text []byte) error {
	speed, shape, _ := strings.Cut(strings.Join(strings.Fields(string(text)), " "), " ")
	read := Line{Bits: 8, Parity: 'N', Stop: 1}
	if _, err := fmt.Sscanf(speed, "%d", &read.Baud); err != nil || fmt.Sprint(read.Baud) != speed {
		return fmt.Errorf("%q is no line: write speed, data bits, parity and stop bits as in 9600 8N1", text)
	}
	if shape != "" {
		if len(shape) != 3 {
			return fmt.Errorf("%q is no shape of a character: write data bits, parity and stop bits as in 8N1", shape)
		}
		read.Bits, read.Parity, read.Stop = shape[0]-'0', strings.ToUpper(shape)[1], shape[2]-'0'
	}
	if err := read.validate(); err != nil {
		return err
	}
	*l = read
	return nil
}

func (l Line) validate() error {
	switch {
	case !slices.Contains(speeds, l.Baud):
		return fmt.Errorf("%d baud is no speed of a serial port: the usual ones are 9600, 19200, 38400, 57600 and 115200", l.Baud)
	case l.Bits != 7 && l.Bits != 8:
		return fmt.Errorf("%d data bits can't be had: write 7 or 8", l.Bits)
	case l.Parity == 'M' || l.Parity == 'S':
		return fmt.Errorf("parity %c (mark, space) can't be had: 7M1 reads as 7N2, 7S1 as 8N1 with a top bit of 0", l.Parity)
	case l.Parity != 'N' && l.Parity != 'E' && l.Parity != 'O':
		return fmt.Errorf("there is no parity %q: write N, E or O", l.Parity)
	case l.Stop != 1 && l.Stop != 2:
		return fmt.Errorf("%d stop bits can't be had: write 1 or 2", l.Stop)
	}
	return nil
}

func (l Line) String() string { return fmt.Sprintf("%d %d%c%d", l.Baud, l.Bits, l.Parity, l.Stop) }
