package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// What a block may hold. The encoder refuses more, the decoder takes no block that claims more.
const (
	MaxSamples = 1 << 20  // samples in a block
	MaxPoints  = 1 << 17  // points in a block
	MaxBody    = 16 << 20 // bytes of a block before compression; also of all its names together
	MaxName    = 255      // bytes of a point's name
	MaxText    = 64 << 10 // bytes of a string value
)

// What is wrong with bytes that should be a block.
var (
	ErrNotBlock = errors.New("these bytes are not a block of samples")
	ErrVersion  = errors.New("the block is of a version this program does not know; update it")
	ErrDamaged  = errors.New("the block is damaged")
)

// ErrTooMuch is the encoder's answer to more than a block can hold: encode fewer samples at once.
var ErrTooMuch = errors.New("too much for one block; encode fewer samples at once")

const (
	magic      = "PSB"
	version    = 1
	inDoubt    = 2 // the version of a block whose times are in doubt: a stamp stands behind the header
	headerSize = 36
	crcStart   = 8 // the checksum covers everything behind itself
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Summary is what a block says of itself without being decompressed.
type Summary struct {
	Samples, Points int
	From, To        int64 // the first and the last time in it, nanoseconds since 1970
	Stamp           Stamp // by which clock its times were taken, where that clock was in doubt
}

// header is a block's uncompressed beginning.
type header struct {
	Summary
	body int // bytes of all sections before compression
}

// Peek checks a block's header and checksum and says what is in it. It decompresses nothing.
func Peek(block []byte) (Summary, error) {
	h, err := parseHeader(block)
	return h.Summary, err
}

func parseHeader(block []byte) (header, error) {
	switch {
	case len(block) < len(magic)+1 || string(block[:len(magic)]) != magic:
		return header{}, ErrNotBlock
	case block[len(magic)] != version && block[len(magic)] != inDoubt:
		return header{}, fmt.Errorf("%w (version %d, known are %d and %d)", ErrVersion, block[len(magic)], version, inDoubt)
	case len(block) < headerSize, block[len(magic)] == inDoubt && len(block) < headerSize+stampSize:
		return header{}, fmt.Errorf("%w: it ends within its header", ErrDamaged)
	case crc32.Checksum(block[crcStart:], castagnoli) != binary.LittleEndian.Uint32(block[4:]):
		return header{}, fmt.Errorf("%w: its checksum does not fit", ErrDamaged)
	}
	h := header{
		Summary: Summary{
			Samples: int(binary.LittleEndian.Uint32(block[8:])),
			Points:  int(binary.LittleEndian.Uint32(block[12:])),
			From:    int64(binary.LittleEndian.Uint64(block[16:])),
			To:      int64(binary.LittleEndian.Uint64(block[24:])),
		},
		body: int(binary.LittleEndian.Uint32(block[32:])),
	}
	if block[len(magic)] == inDoubt {
		if h.Stamp = parseStamp(block[headerSize:]); !h.Stamp.Doubted() {
			return header{}, fmt.Errorf("%w: its stamp names no doubt", ErrDamaged)
		}
	}
	if h.Points < 1 || h.Points > MaxPoints || h.Samples < h.Points || h.Samples > MaxSamples || h.body < 0 || h.body > MaxBody || h.From > h.To {
		return header{}, fmt.Errorf("%w: its header claims %d samples of %d points in %d bytes", ErrDamaged, h.Samples, h.Points, h.body)
	}
	return h, nil
}

// size is how many bytes stand before the sections.
func (h header) size() int {
	if h.Stamp.Doubted() {
		return headerSize + stampSize
	}
	return headerSize
}

// reserveHeader makes room for a header at the end of dst.
func reserveHeader(dst []byte) []byte { return append(dst, make([]byte, headerSize)...) }

// seal fills in the header reserved at the beginning of block, last of all because of the checksum.
func (h header) seal(block []byte) {
	copy(block, magic)
	block[len(magic)] = version
	binary.LittleEndian.PutUint32(block[8:], uint32(h.Samples))
	binary.LittleEndian.PutUint32(block[12:], uint32(h.Points))
	binary.LittleEndian.PutUint64(block[16:], uint64(h.From))
	binary.LittleEndian.PutUint64(block[24:], uint64(h.To))
	binary.LittleEndian.PutUint32(block[32:], uint32(h.body))
	sign(block)
}

// sign fills in the checksum.
func sign(block []byte) {
	binary.LittleEndian.PutUint32(block[4:], crc32.Checksum(block[crcStart:], castagnoli))
}
