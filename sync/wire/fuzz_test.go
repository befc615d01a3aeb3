package wire

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// sealed makes a block of sections that need not make sense, with a header that does.
func sealed(z *zstd.Encoder, h header, index, times, values []byte) []byte {
	h.body = len(index) + len(times) + len(values)
	block := reserveHeader(nil)
	for _, section := range [...][]byte{index, times, values} {
		block = appendSection(block, section, z)
	}
	h.seal(block)
	return block
}

// sections takes a block apart.
func sections(t testing.TB, block []byte) (h header, parts [3][]byte) {
	t.Helper()
	h, err := parseHeader(block)
	if err != nil {
		t.Fatal(err)
	}
	c, left := cursor{buf: block[h.size():]}, h.body
	for i := range parts {
		parts[i], _ = c.section(newDecompressor(), nil, &left)
	}
	if c.err != nil {
		t.Fatal(c.err)
	}
	return h, parts
}

// seeds are blocks that use every way of writing there is.
func seeds(t testing.TB) [][]byte {
	e := NewEncoder(Balanced)
	p := newPlant(50)
	scans := p.run(20)
	var deadband, mixed, noise []telemetry.Sample
	for i, s := range scans {
		if i%7 == 0 || i%3 == 1 {
			s.Time -= s.Time % 1000 // a source that tells microseconds
			deadband = append(deadband, s)
		}
		s.Time, s.Value = scans[i].Time+int64(i*i), telemetry.Float64(math.Sin(float64(i)))
		noise = append(noise, s)
	}
	for i, v := range hardValues() {
		if len(v.Text()) < 1000 {
			mixed = append(mixed, telemetry.Sample{Time: int64(i), Value: v, Quality: telemetry.Quality(i)}, telemetry.Sample{Point: 1, Time: 5, Value: v})
		}
	}
	var blocks [][]byte
	for _, samples := range [][]telemetry.Sample{scans, deadband, noise, mixed, scans[:1]} {
		block, err := e.AppendBlock(nil, p.names, samples)
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// checkAgain checks that what came out of a block goes into one, and comes out the same.
func checkAgain(t *testing.T, d *Decoder, e *Encoder, block []byte) {
	var names []string
	var samples []telemetry.Sample
	err := d.Decode(block, func(name string, s telemetry.Sample) bool {
		if len(names) == int(s.Point) {
			names = append(names, name)
		}
		samples = append(samples, s)
		return true
	})
	if err != nil {
		return
	}
	again, err := e.AppendBlock(nil, names, samples)
	if err != nil {
		t.Fatalf("what was decoded cannot be encoded: %v", err)
	}
	var back []telemetry.Sample
	if err := d.Decode(again, func(_ string, s telemetry.Sample) bool { back = append(back, s); return true }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(samples, back) {
		t.Fatalf("%+v came back as %+v", samples, back)
	}
}

func FuzzDecode(f *testing.F) {
	for _, block := range seeds(f) {
		h, parts := sections(f, block)
		f.Add(h.Samples, h.Points, h.From, h.To, parts[0], parts[1], parts[2])
	}
	d, e := NewDecoder(), NewEncoder(Fastest)
	f.Fuzz(func(t *testing.T, samples, points int, from, to int64, index, times, values []byte) {
		if samples > 1<<14 { // what is large is for TestBombsStayBounded
			return
		}
		checkAgain(t, d, e, sealed(e.zstd, header{Summary: Summary{Samples: samples, Points: points, From: from, To: to}}, index, times, values))
	})
}

func FuzzDecodeBytes(f *testing.F) {
	for _, block := range seeds(f) {
		f.Add(block[headerSize:])
	}
	d, e := NewDecoder(), NewEncoder(Fastest)
	f.Fuzz(func(t *testing.T, body []byte) {
		block := append(reserveHeader(nil), body...)
		c := cursor{buf: body}
		total := 0
		for range 3 {
			total += c.upTo(MaxBody, "")
			c.bytes(c.upTo(MaxBody, ""))
		}
		header{Summary: Summary{Samples: 1000, Points: 50, To: math.MaxInt64}, body: total}.seal(block)
		checkAgain(t, d, e, block)
		_ = d.Decode(body, func(string, telemetry.Sample) bool { return true })
	})
}

// FuzzRoundTrip makes samples of bytes: ten a sample, of which one says what kind it is.
func FuzzRoundTrip(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x14, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 30))
	f.Add(bytes.Repeat([]byte{0x05, 1, 0x33, 3, 0x35, 5, 6, 7, 8, 9}, 30))
	e, d := NewEncoder(Fastest), NewDecoder()
	names := []string{"b.x", "a.x", "a.xy", "a"}
	f.Fuzz(func(t *testing.T, data []byte) {
		var samples []telemetry.Sample
		for ; len(data) >= 10 && len(samples) < 1000; data = data[10:] {
			bits := load64(data[2:])
			s := telemetry.Sample{Point: telemetry.PointID(data[0] >> 6), Time: int64(data[1]), Value: telemetry.FromBits(telemetry.KindFloat64, bits)}
			switch kind := telemetry.Kind(data[0] & 7); {
			case kind == telemetry.KindBool:
				s.Value = telemetry.Bool(bits&1 != 0)
			case kind == telemetry.KindString:
				s.Value = telemetry.String(string(data[2 : 2+data[2]&7]))
			case kind == telemetry.KindNone:
				s.Value, s.Quality, s.Time = telemetry.Value{}, telemetry.Quality(bits), int64(bits)
			case kind <= telemetry.KindString:
				s.Value = telemetry.FromBits(kind, bits)
			}
			samples = append(samples, s)
		}
		if len(samples) > 0 {
			checkRound(t, e, d, names, samples)
		}
	})
}
