package wire

import "math"

// scale says how a float64 is made from an integer, bit for bit. Sensors have a resolution: their floats are integers
// in disguise, and integers are what a sequence is good at. The low four bits are the decimals.
type scale byte

const (
	scaleBits64 scale = 0x00 // the integer is the float's 64 bits: what fits nothing else
	scaleBits32 scale = 0x10 // the integer is the 32 bits of a float32: registers and PLC reals
	scaleDiv    scale = 0x20 // integer / 10^decimals: what was rounded or parsed
	scaleMul    scale = 0x30 // integer * 10^-decimals: a raw count times its factor, often one bit beside the quotient
	scaleDiv32  scale = 0x40 // integer / 10^decimals rounded to a float32: decimals that went through a PLC real
)

// maxDecimals is how fine a resolution is looked for; finer ones are left to scaleBits64.
const maxDecimals = 9

var (
	tens   = [maxDecimals + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}
	tenths = [maxDecimals + 1]float64{1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9}
)

// decimal families in the order they are tried, each with the greatest integer that makes sense in it.
var decimalScales = [...]struct {
	family scale
	most   float64
}{{scaleDiv, 1 << 53}, {scaleMul, 1 << 53}, {scaleDiv32, 1 << 24}}

func (s scale) family() scale { return s & 0xF0 }
func (s scale) decimals() int { return int(s & 0x0F) }

func (s scale) valid() bool {
	switch s.family() {
	case scaleBits64, scaleBits32:
		return s.decimals() == 0
	case scaleDiv, scaleMul, scaleDiv32:
		return s.decimals() <= maxDecimals
	}
	return false
}

// float64bits makes a float's bits from its integer.
func (s scale) float64bits(m int64) uint64 {
	switch s.family() {
	case scaleDiv:
		return math.Float64bits(float64(m) / tens[s.decimals()])
	case scaleMul:
		return math.Float64bits(float64(m) * tenths[s.decimals()])
	case scaleDiv32:
		return math.Float64bits(float64(float32(float64(m) / tens[s.decimals()])))
	case scaleBits32:
		return math.Float64bits(float64(math.Float32frombits(uint32(m))))
	}
	return uint64(m)
}

// integer is the way back: the float's integer, and whether the float comes out of it bit for bit.
func (s scale) integer(bits uint64, most float64) (int64, bool) {
	f := math.Float64frombits(bits) * tens[s.decimals()]
	if !(f >= -most && f <= most) { // NaN is neither
		return 0, false
	}
	m := int64(math.RoundToEven(f))
	return m, s.float64bits(m) == bits
}

// toIntegers turns the bits of floats into integers in place and says how to turn them back.
func toIntegers(values []int64) scale {
	for _, d := range decimalScales {
		if s, ok := d.family.fit(values, d.most); ok {
			s.apply(values, d.most)
			return s
		}
	}
	if allFloat32(values) {
		for i, v := range values {
			values[i] = int64(math.Float32bits(float32(math.Float64frombits(uint64(v)))))
		}
		return scaleBits32
	}
	return scaleBits64
}

// fit finds the fewest decimals that every value comes out of.
func (s scale) fit(values []int64, most float64) (scale, bool) {
	last := ^values[0]
	for i := 0; i < len(values); i++ {
		if values[i] == last {
			continue
		}
		last = values[i]
		if _, ok := s.integer(uint64(last), most); ok {
			continue
		}
		if s.decimals() == maxDecimals {
			return s, false
		}
		s, i, last = s+1, -1, ^values[0] // from the beginning: what fits two decimals need not fit three
	}
	return s, true
}

func (s scale) apply(values []int64, most float64) {
	last, m := ^values[0], int64(0)
	for i, v := range values {
		if v != last {
			last = v
			m, _ = s.integer(uint64(v), most)
		}
		values[i] = m
	}
}

func allFloat32(values []int64) bool {
	for _, v := range values {
		f := math.Float64frombits(uint64(v))
		if f != f || float64(float32(f)) != f { // a NaN's payload may not survive the conversion
			return false
		}
	}
	return true
}

// toFloats turns integers into the bits of floats in place.
func (s scale) toFloats(values []int64) {
	if s == scaleBits64 {
		return
	}
	last, bits := ^values[0], int64(0)
	for i, m := range values {
		if m != last {
			last = m
			bits = int64(s.float64bits(m))
		}
		values[i] = bits
	}
}
