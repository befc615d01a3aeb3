package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// The ways others send the same samples, written as fast as they reasonably can be.

// jsonRows is a JSON object a sample, all in one zstd frame.
func jsonRows(dst []byte, e *Encoder, names []string, samples []telemetry.Sample) []byte {
	e.values = e.values[:0]
	for _, s := range samples {
		e.values = append(append(append(e.values, `{"name":"`...), names[s.Point]...), `","ts":`...)
		e.values = append(strconv.AppendInt(e.values, s.Time, 10), `,"value":`...)
		e.values = append(append(e.values, s.Value.String()...), "}\n"...)
	}
	return e.zstd.EncodeAll(e.values, dst)
}

// protobufRows is a protobuf message a sample as Sparkplug B has it (alias, timestamp, value), all in one zstd frame. Names are not
// even sent.
func protobufRows(dst []byte, e *Encoder, _ []string, samples []telemetry.Sample) []byte {
	e.values = e.values[:0]
	for _, s := range samples {
		row := make([]byte, 0, 40)
		row = binary.AppendUvarint(append(row, 2<<3), uint64(s.Point))
		row = binary.AppendUvarint(append(row, 3<<3), uint64(s.Time))
		row = append(row, 4<<3, byte(s.Value.Kind()))
		if s.Value.Kind() == telemetry.KindFloat64 {
			row = binary.LittleEndian.AppendUint64(append(row, 13<<3|1), s.Value.Bits())
		} else {
			row = binary.AppendUvarint(append(row, 11<<3), s.Value.Bits())
		}
		e.values = append(append(e.values, 2<<3|2, byte(len(row))), row...)
	}
	return e.zstd.EncodeAll(e.values, dst)
}

// gorilla is Facebook's encoding (VLDB 2015, 4.1) a point: differences of differences of milliseconds (it has no finer time), and XOR of
// floats, for which every value is made a float.
func gorilla(dst []byte, _ *Encoder, names []string, samples []telemetry.Sample) []byte {
	w := bitWriter{dst: dst}
	for point, name := range names {
		w.dst = append(append(w.dst, byte(len(name))), name...)
		var t, step int64
		var v uint64
		leading, meaning := 64, 0
		for i := point; i < len(samples); i += len(names) { // a scan has every point once
			s := samples[i]
			ms := s.Time / 1e6
			w.step(ms - t - step)
			t, step = ms, ms-t
			f, _ := s.Value.Float()
			leading, meaning = w.xor(math.Float64bits(f)^v, leading, meaning)
			v = math.Float64bits(f)
		}
		w.flush()
	}
	return w.dst
}

type bitWriter struct {
	dst  []byte
	acc  uint64
	have int
}

func (w *bitWriter) write(v uint64, n int) {
	for ; n > 32; n -= 32 {
		w.write(v>>(n-32)&math.MaxUint32, 32)
	}
	w.acc = w.acc<<n | v&(1<<n-1)
	for w.have += n; w.have >= 8; w.have -= 8 {
		w.dst = append(w.dst, byte(w.acc>>(w.have-8)))
	}
}

func (w *bitWriter) flush() { w.write(0, (8-w.have%8)%8) }

func (w *bitWriter) step(d int64) {
	switch {
	case d == 0:
		w.write(0, 1)
	case -63 <= d && d <= 64:
		w.write(0b10, 2)
		w.write(uint64(d), 7)
	case -255 <= d && d <= 256:
		w.write(0b110, 3)
		w.write(uint64(d), 9)
	case -2047 <= d && d <= 2048:
		w.write(0b1110, 4)
		w.write(uint64(d), 12)
	default:
		w.write(0b1111, 4)
		w.write(uint64(d), 64)
	}
}

func (w *bitWriter) xor(x uint64, leading, meaning int) (int, int) {
	if x == 0 {
		w.write(0, 1)
		return leading, meaning
	}
	lead, trail := min(bits.LeadingZeros64(x), 31), bits.TrailingZeros64(x)
	if lead >= leading && trail >= 64-leading-meaning {
		w.write(0b10, 2)
		w.write(x>>(64-leading-meaning), meaning)
		return leading, meaning
	}
	leading, meaning = lead, 64-lead-trail
	w.write(0b11, 2)
	w.write(uint64(leading), 5)
	w.write(uint64(meaning-1), 6)
	w.write(x>>trail, meaning)
	return leading, meaning
}
