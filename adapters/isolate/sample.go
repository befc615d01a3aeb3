package isolate

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// sampleSize is a sample without the text of a string: point (4 bytes), quality (4), time (8), kind (1), and 8 bytes of
// value, which for a string are how long the text is that follows.
const sampleSize = 25

// sourced is the bit of the kind that says that the time is the equipment's own.
const sourced = 0x80

// maxText is the longest text that goes through the pipe; a sample with a longer one is bad (encoding limits exceeded).
const maxText = 1 << 20

// textTooLong is OPC UA's BadEncodingLimitsExceeded.
const textTooLong telemetry.Quality = 0x80080000

// appendSample writes one sample.
func appendSample(to []byte, s telemetry.Sample) []byte {
	if len(s.Value.Text()) > maxText {
		s.Value, s.Quality = telemetry.Value{}, textTooLong
	}
	to = binary.BigEndian.AppendUint32(to, uint32(s.Point))
	to = binary.BigEndian.AppendUint32(to, uint32(s.Quality))
	to = binary.BigEndian.AppendUint64(to, uint64(s.Time))
	of := byte(s.Value.Kind())
	if s.Sourced {
		of |= sourced
	}
	to = append(to, of)
	if s.Value.Kind() != telemetry.KindString {
		return binary.BigEndian.AppendUint64(to, s.Value.Bits())
	}
	to = binary.BigEndian.AppendUint64(to, uint64(len(s.Value.Text())))
	return append(to, s.Value.Text()...)
}

var errShort = errors.New("the samples end in the middle of one")

// decodeSamples reads what appendSample wrote, into the space of into.
func decodeSamples(payload []byte, into []telemetry.Sample) ([]telemetry.Sample, error) {
	samples := into[:0]
	for len(payload) > 0 {
		s, rest, err := decodeSample(payload)
		if err != nil {
			return samples, err
		}
		samples, payload = append(samples, s), rest
	}
	return samples, nil
}

func decodeSample(b []byte) (s telemetry.Sample, rest []byte, err error) {
	if len(b) < sampleSize {
		return s, nil, errShort
	}
	s.Point = telemetry.PointID(binary.BigEndian.Uint32(b))
	s.Quality = telemetry.Quality(binary.BigEndian.Uint32(b[4:]))
	s.Time = int64(binary.BigEndian.Uint64(b[8:]))
	s.Sourced = b[16]&sourced != 0
	of, bits := telemetry.Kind(b[16]&^sourced), binary.BigEndian.Uint64(b[17:])
	b = b[sampleSize:]
	switch {
	case of > telemetry.KindString:
		return s, nil, fmt.Errorf("a value of %s", of)
	case of == telemetry.KindString && (bits > maxText || bits > uint64(len(b))):
		return s, nil, errShort
	case of == telemetry.KindString:
		s.Value = telemetry.String(string(b[:bits]))
		return s, b[bits:], nil
	case of == telemetry.KindNone:
		return s, b, nil
	case of == telemetry.KindBool && bits > 1:
		return s, nil, fmt.Errorf("a boolean of %d", bits)
	}
	s.Value = telemetry.FromBits(of, bits)
	return s, b, nil
}
