package serial

import (
	"fmt"
	"strings"
	"testing"
)

// Frames as devices send them, and check values that others publish.
var sums = []struct {
	name  Checksum
	from  string // where the frame is from
	frame string // with its checksum, without its end
	body  string
}{
	{"sum8", "1+2+3", "\x01\x02\x03\x06", "\x01\x02\x03"},
	{"sum8", "carries are dropped", "\xff\xff\xfe", "\xff\xff"},
	{"sum8-2c", "the sum of all bytes is 0", "\x01\x02\x03\xfa", "\x01\x02\x03"},
	{"sum8-2c-hex", "an Intel HEX record, :0300300002337A1E, its bytes in binary and its checksum as written", "\x03\x00\x30\x00\x02\x33\x7a1E", "\x03\x00\x30\x00\x02\x33\x7a"},
	{"sum7-2c", "Toledo continuous: 1234 gross, 0 tare, worked out by hand: 0x253 in seven bits is 0x53, its complement 0x2d",
		"\x02\x2a\x20\x20  1234     0\r\x2d", "\x02\x2a\x20\x20  1234     0\r"},
	{"sum7-2c", "a parity bit does not count", "\x02\xaa\x20\x20  1234     0\r\xad", "\x02\xaa\x20\x20  1234     0\r"},
	{"xor8-hex", "NMEA 0183's example sentence, between $ and *", "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,47", "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"},
	{"xor8", "the same as a byte", "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,\x47", "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"},
	{"crc16-modbus", "read 10 registers of unit 1: the request of the specification's tutorials", "\x01\x03\x00\x00\x00\x0a\xc5\xcd", "\x01\x03\x00\x00\x00\x0a"},
	{"crc16-modbus", "the catalogue's check value 0x4b37", "123456789\x37\x4b", "123456789"},
	{"crc16-modbus-hex", "the number, high digit first", "1234567894B37", "123456789"},
	{"crc16-ccitt", "the catalogue's check value of CRC-16/IBM-3740, 0x29b1", "123456789\x29\xb1", "123456789"},
	{"crc16-xmodem", "the catalogue's check value of CRC-16/XMODEM, 0x31c3", "123456789\x31\xc3", "123456789"},
	{"crc16-kermit", "the catalogue's check value of CRC-16/KERMIT, 0x2189", "123456789\x89\x21", "123456789"},
	{"crc16-kermit-hex", "the number, high digit first", "1234567892189", "123456789"},
	{"nmea", "the sentence of many a manual", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"},
	{"crc16-ccitt-hex", "lower case digits", "12345678929b1", "123456789"},
	{"none", "no checksum", "abc", "abc"},
	{"", "no checksum", "abc", "abc"},
}

func TestChecksumsHoldOnRealFrames(t *testing.T) {
	for _, c := range sums {
		t.Run(fmt.Sprintf("%s: %s", c.name, c.from), func(t *testing.T) {
			body, ok := checksums[c.name].holds([]byte(c.frame))
			if !ok || string(body) != c.body {
				t.Errorf("%q: body %q, holds %v; want %q; it would have to be %q", c.frame, body, ok, c.body, checksumOf(c.name, c.body))
			}
		})
	}
}

func checksumOf(name Checksum, body string) []byte {
	if c := checksums[name]; c.size > 0 {
		return c.of([]byte(body))
	}
	return nil
}

func TestOneWrongBitIsFound(t *testing.T) {
	for _, c := range sums {
		sum := checksums[c.name]
		if sum.size == 0 || strings.Contains(c.from, "parity") {
			continue
		}
		for i := range len(c.frame) * 8 {
			bit := byte(1) << (i % 8)
			hexCase := sum.hex && i/8 >= len(c.body) // a digit's bit 5 is its case
			if c.name == "sum7-2c" && bit == 0x80 || hexCase && bit == 0x20 {
				continue
			}
			wrong := []byte(c.frame)
			wrong[i/8] ^= bit
			if _, ok := sum.holds(wrong); ok {
				t.Errorf("%s: bit %d of %q is wrong and the checksum holds", c.name, i, c.frame)
			}
		}
	}
}

func TestAFrameShorterThanItsChecksumIsNone(t *testing.T) {
	for name, sum := range checksums {
		if _, ok := sum.holds(nil); ok != (sum.size == 0) {
			t.Errorf("%s holds on nothing: %v", name, ok)
		}
	}
}
