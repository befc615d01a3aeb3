package modbus

import (
	"math"
	"strconv"
	"strings"
)

// scaling turns raw numbers into engineering units: raw * scale + offset. It counts in decimals, as the engineer
// who wrote `scale: 0.1` does: 215 becomes 21.5 and not 21.500000000000004.
type scaling struct {
	on            bool
	scale, offset float64
	// scale = factor/parts and offset = shift/parts with whole numbers; parts is 0 where there are none that a
	// float64 holds exactly.
	factor, shift, parts float64
}

// exactWhole is the largest whole number below which float64 has no gaps.
const exactWhole = 1 << 53

func newScaling(scale, offset float64) scaling {
	s := scaling{on: scale != 1 || offset != 0, scale: scale, offset: offset}
	decimals := max(decimalsOf(scale), decimalsOf(offset))
	if decimals > 15 {
		return s
	}
	parts := math.Pow10(decimals)
	s.factor, s.shift = math.Round(scale*parts), math.Round(offset*parts)
	if s.factor != 0 && math.Abs(s.factor) < exactWhole && math.Abs(s.shift) < exactWhole {
		s.parts = parts
	}
	return s
}

// decimalsOf counts the digits behind the point in the shortest text that gives f back.
func decimalsOf(f float64) int {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(f, 'f', -1, 64), ".")
	return len(fraction)
}

// apply is the value of a raw number.
func (s *scaling) apply(raw float64) float64 {
	if s.parts != 0 && raw == math.Trunc(raw) && math.Abs(raw*s.factor) < exactWhole {
		if sum := raw*s.factor + s.shift; math.Abs(sum) < exactWhole {
			return sum / s.parts
		}
	}
	return raw*s.scale + s.offset
}

// invert is the raw number of a value, not rounded.
func (s *scaling) invert(v float64) float64 {
	if s.parts != 0 && math.Abs(v*s.parts) < exactWhole {
		return (v*s.parts - s.shift) / s.factor
	}
	return (v - s.offset) / s.scale
}
