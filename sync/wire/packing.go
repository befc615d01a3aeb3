package wire

import (
	"encoding/binary"
	"math/bits"
)

// Bit packing: numbers of one width, lowest bits first, without gaps. Widths of 57 to 63 bits are taken up to 64, so
// that one unaligned load of eight bytes holds any number whole.

// packWidth is the width for numbers up to most.
func packWidth(most uint64) int {
	if w := bits.Len64(most); w <= 56 {
		return w
	}
	return 64
}

func packedSize(n, width int) int { return (n*width + 7) / 8 }

func pack(dst []byte, values []uint64, width int) []byte {
	if width == 64 {
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint64(dst, v)
		}
		return dst
	}
	var acc uint64
	have := 0
	for _, v := range values {
		acc |= v << have
		for have += width; have >= 8; have -= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
		}
	}
	if have > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// unpack fills values from src, which holds packedSize(len(values), width) bytes.
func unpack(values []uint64, src []byte, width int) {
	if width == 64 {
		for i := range values {
			values[i] = binary.LittleEndian.Uint64(src[8*i:])
		}
		return
	}
	mask := uint64(1)<<width - 1
	for i := range values {
		at := i * width
		values[i] = load64(src[at>>3:]) >> (at & 7) & mask
	}
}

// load64 reads eight bytes, or what is left of them.
func load64(src []byte) uint64 {
	if len(src) >= 8 {
		return binary.LittleEndian.Uint64(src)
	}
	var v uint64
	for i, b := range src {
		v |= uint64(b) << (8 * i)
	}
	return v
}
