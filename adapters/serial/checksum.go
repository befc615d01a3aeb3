package serial

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// Checksum names how a frame is guarded. The empty name is none. With -hex at the end of the name it stands in the frame
// as hexadecimal digits (either case), two for a byte, the high digit first.
type Checksum string

// checksum is one algorithm. It covers every byte of the frame before the checksum itself.
type checksum struct {
	size int                 // bytes in the frame
	mask byte                // the bits of each of them that count
	of   func([]byte) []byte // as it stands in the frame
	hex  bool
}

var checksums = table()

func table() map[Checksum]checksum {
	all := map[Checksum]checksum{
		"sum8":         {size: 1, mask: 0xff, of: sum8},
		"sum8-2c":      {size: 1, mask: 0xff, of: func(b []byte) []byte { return []byte{-sum8(b)[0]} }},
		"sum7-2c":      {size: 1, mask: 0x7f, of: sum7},
		"xor8":         {size: 1, mask: 0xff, of: xor8},
		"crc16-modbus": {size: 2, mask: 0xff, of: crcModbus},
		"crc16-ccitt":  {size: 2, mask: 0xff, of: func(b []byte) []byte { return crcCCITT(0xffff, b) }},
		"crc16-xmodem": {size: 2, mask: 0xff, of: func(b []byte) []byte { return crcCCITT(0, b) }},
		"crc16-kermit": {size: 2, mask: 0xff, of: crcKermit},
	}
	plain := make([]Checksum, 0, len(all))
	for name := range all {
		plain = append(plain, name)
	}
	for _, name := range plain {
		inner := all[name]
		all[name+"-hex"] = checksum{size: 2 * inner.size, mask: 0xff, of: hexOf(name, inner), hex: true}
	}
	all["nmea"] = checksum{size: 3, mask: 0xff, of: nmeaSum, hex: true}
	all[""], all["none"] = checksum{}, checksum{}
	return all
}

func checksumNames() string {
	var names []string
	for name := range checksums {
		if name != "" {
			names = append(names, string(name))
		}
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// holds reports whether a frame without its end mark keeps its checksum, and gives the frame without it.
func (c checksum) holds(frame []byte) (body []byte, ok bool) {
	if c.size == 0 {
		return frame, true
	}
	if len(frame) < c.size {
		return nil, false
	}
	body, got := frame[:len(frame)-c.size], frame[len(frame)-c.size:]
	want := c.of(body)
	if c.hex {
		return body, bytes.Equal(bytes.ToUpper(got), want)
	}
	for i := range got {
		if (got[i]^want[i])&c.mask != 0 {
			return nil, false
		}
	}
	return body, true
}

func sum8(b []byte) []byte {
	var sum byte
	for _, c := range b {
		sum += c
	}
	return []byte{sum}
}

// sum7 is Mettler-Toledo's continuous output: the two's complement of the sum of the low seven bits, in seven bits.
func sum7(b []byte) []byte {
	var sum byte
	for _, c := range b {
		sum += c & 0x7f
	}
	return []byte{-sum & 0x7f}
}

func xor8(b []byte) []byte {
	var x byte
	for _, c := range b {
		x ^= c
	}
	return []byte{x}
}

// nmeaSum is NMEA 0183's: an asterisk, and the xor of what stands behind the dollar, in two digits.
func nmeaSum(b []byte) []byte {
	return fmt.Appendf(nil, "*%02X", xor8(b)[0]^'$')
}

// crcModbus is CRC-16/MODBUS, the low byte first as Modbus RTU sends it.
func crcModbus(b []byte) []byte { return crcLow(0xffff, 0xa001, b) }

// crcKermit is CRC-16/KERMIT, the one that CCITT made: from 0, the low bits and the low byte first.
func crcKermit(b []byte) []byte { return crcLow(0, 0x8408, b) }

// crcLow takes the low bit of each byte first.
func crcLow(crc, polynomial uint16, b []byte) []byte {
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ polynomial
			} else {
				crc >>= 1
			}
		}
	}
	return []byte{byte(crc), byte(crc >> 8)}
}

// crcCCITT is CRC-16/IBM-3740, widely called CCITT-FALSE, from 0xffff, and CRC-16/XMODEM from 0: the high byte first.
func crcCCITT(crc uint16, b []byte) []byte {
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return []byte{byte(crc >> 8), byte(crc)}
}

// hexOf writes a checksum as the digits of its number: a CRC that goes low byte first on the wire reads high byte first in text.
func hexOf(name Checksum, c checksum) func([]byte) []byte {
	return func(b []byte) []byte {
		raw := c.of(b)
		if name == "crc16-modbus" || name == "crc16-kermit" {
			raw[0], raw[1] = raw[1], raw[0]
		}
		return fmt.Appendf(nil, "%X", raw)
	}
}
