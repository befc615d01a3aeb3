package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Stamp says by which clock the times of a block were taken while nobody knew whether that clock was right. A time less Offset is the time
// since the machine booted, which is true whatever the clock showed: once the right offset is known, so are the right times.
// The zero Stamp is that of times that are not in doubt.
type Stamp struct {
	Boot   Boot   // of the machine
	Doubt  uint32 // the how-manieth doubt of that boot it is, from 1; 0: there is none
	Offset int64  // nanoseconds: the wall clock less the time since the boot
}

// Boot names one boot of a machine: the UUID of Linux's /proc/sys/kernel/random/boot_id.
type Boot [16]byte

// Doubted tells whether there is a doubt.
func (s Stamp) Doubted() bool { return s.Doubt != 0 }

// String is the UUID without its hyphens.
func (b Boot) String() string { return hex.EncodeToString(b[:]) }

// MarshalText is String.
func (b Boot) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads 32 hexadecimal digits.
func (b *Boot) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(b)) {
		return fmt.Errorf("a boot is 32 hexadecimal digits, not %.80q", text)
	}
	_, err := hex.Decode(b[:], text)
	return err
}

// stampSize is how many bytes a stamp has in a block (FORMAT.md).
const stampSize = 28

func parseStamp(b []byte) (s Stamp) {
	copy(s.Boot[:], b)
	s.Doubt = binary.LittleEndian.Uint32(b[16:])
	s.Offset = int64(binary.LittleEndian.Uint64(b[20:]))
	return s
}

// Doubt puts a stamp on a block that has none. The block given stays as it is.
func Doubt(block []byte, s Stamp) ([]byte, error) {
	h, err := parseHeader(block)
	if err == nil && (h.Stamp.Doubted() || !s.Doubted()) {
		err = fmt.Errorf("a block bears one stamp, and one that names a doubt")
	}
	if err != nil {
		return nil, fmt.Errorf("put a block in doubt: %w", err)
	}
	out := make([]byte, 0, len(block)+stampSize)
	out = append(append(out, block[:headerSize]...), s.Boot[:]...)
	out = binary.LittleEndian.AppendUint32(out, s.Doubt)
	out = binary.LittleEndian.AppendUint64(out, uint64(s.Offset))
	out = append(out, block[headerSize:]...)
	out[len(magic)] = inDoubt
	sign(out)
	return out, nil
}

// Settle takes the stamp off a block and moves its times to what they are by the right offset of the stamp's boot. The block given stays
// as it is. A block without a stamp comes back itself.
func Settle(block []byte, offset int64) ([]byte, error) {
	h, err := parseHeader(block)
	if err != nil {
		return nil, fmt.Errorf("settle a block: %w", err)
	}
	if !h.Stamp.Doubted() {
		return block, nil
	}
	by := offset - h.Stamp.Offset
	from, to := h.From+by, h.To+by
	if from > to { // beyond what 64 bits hold: no clock of a machine was ever so wrong
		return nil, fmt.Errorf("settle a block: %w: its times cannot be moved by %d ns", ErrDamaged, by)
	}
	out := append(append(make([]byte, 0, len(block)-stampSize), block[:headerSize]...), block[headerSize+stampSize:]...)
	out[len(magic)] = version
	binary.LittleEndian.PutUint64(out[16:], uint64(from))
	binary.LittleEndian.PutUint64(out[24:], uint64(to))
	sign(out)
	return out, nil
}
