package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// group parts a number's digits by threes with a narrow space that no line breaks at.
func group(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// short is a value with as many digits as help a person: a float32 of 117.2 is 117.19999694824219 as a float64.
func short(v telemetry.Value) string {
	if f, ok := v.Float(); ok && v.Kind() == telemetry.KindFloat64 {
		return strconv.FormatFloat(f, 'g', 7, 64)
	}
	return v.String()
}

// parts cuts a point's name where a line may break.
func parts(name string) (list []string) {
	for _, p := range strings.SplitAfter(name, ".") {
		list = append(list, strings.SplitAfter(p, "_")...)
	}
	return list
}

// duration says how long something has lasted, in its two largest units.
func duration(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", seconds/3600, seconds/60%60)
	default:
		return fmt.Sprintf("%d d %d h", seconds/86400, seconds/3600%24)
	}
}

// age says how long ago something was, in the largest unit that fits.
func age(t *time.Time, now time.Time) string {
	if t == nil {
		return "–"
	}
	switch d := now.Sub(*t); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	}
}

func bytesText(n uint64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
}
