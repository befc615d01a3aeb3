package config

import (
	"math"
	"strings"
)

// size is a number of bytes: 8GiB, 500MB.
type size int64

// sizeUnits by what they are written as. KiB counts in 1024 and kB in 1000, as disks do.
var sizeUnits = []struct {
	suffix string
	bytes  float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
}

func (s *size) UnmarshalText(text []byte) error {
	const hint = "write 500MB or 8GiB"
	for _, unit := range sizeUnits {
		number, found := strings.CutSuffix(string(text), unit.suffix)
		if !found {
			continue
		}
		v, err := readFloat(strings.TrimSpace(number))
		if err != nil || v < 0 || v*unit.bytes > math.MaxInt64/2 {
			return wrong(hint, "%q is no size", text)
		}
		*s = size(v * unit.bytes)
		return nil
	}
	if _, err := readFloat(string(text)); err == nil {
		return wrong("write "+string(text)+"MiB or "+string(text)+"GiB", "%s has no unit", text)
	}
	return wrong(hint, "%q is no size", text)
}

// byteRate is a size for each second: 2MiB/s.
type byteRate int64

func (r *byteRate) UnmarshalText(text []byte) error {
	const hint = "write 500kB/s or 2MiB/s"
	amount, found := strings.CutSuffix(string(text), "/s")
	var s size
	if err := s.UnmarshalText([]byte(amount)); err != nil || !found {
		return wrong(hint, "%q is no rate", text)
	}
	*r = byteRate(s)
	return nil
}
