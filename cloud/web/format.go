package web

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// significant is how many digits of a number a page shows, unless there are more before the point: float32 has no more to say.
const significant = 7

const meanDigits = 5

// number is a number as a person reads it: 1,204.5. static/format.js does the same for live values; testdata/numbers.json holds both to it.
func number(v float64) string { return numberTo(v, significant) }

// mean is an average, which is no more exact than what it was made of.
func mean(v float64) string { return numberTo(v, meanDigits) }

func numberTo(v float64, digits int) string {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+")
	case size != 0 && (size < 1e-4 || size >= 1e15):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
		n, _ := strconv.Atoi(exponent) // FormatFloat wrote it
		return trim(mantissa) + "e" + strconv.Itoa(n)
	}
	whole := 1
	if size >= 1 {
		whole = int(math.Floor(math.Log10(size))) + 1
	}
	text := trim(strconv.FormatFloat(v, 'f', max(0, digits-whole), 64))
	if text == "-0" {
		return "0"
	}
	return group(text)
}

func trim(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// group puts commas between the thousands of a decimal number.
func group(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if fraction != "" {
		fraction = "." + fraction
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + fraction
}

// reading is a value as a person reads it, and its name when an enumeration has one for it.
func reading(v telemetry.Value, enum map[int64]string) (text, label string) {
	switch v.Kind() {
	case telemetry.KindNone:
		return "–", ""
	case telemetry.KindFloat64:
		f, _ := v.Float()
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			label = enum[int64(f)]
		}
		return number(f), label
	case telemetry.KindInt64, telemetry.KindUint64:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			label = enum[n]
		}
		return group(v.String()), label
	case telemetry.KindBool:
		return v.String(), enum[int64(v.Bits())]
	default:
		return v.String(), ""
	}
}

func count(n int) string { return group(strconv.Itoa(n)) }

// counted is count for templates, whose numbers are of either kind.
func counted(n any) string { return group(fmt.Sprint(n)) }

// many is a number of things: "1 block", "2 blocks".
func many(n any, thing string) string {
	text := counted(n)
	if text != "1" {
		thing += "s"
	}
	return text + " " + thing
}

// rate is samples a second.
func rate(v float64) string {
	if v >= 10 || v == 0 {
		return group(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// age is how long something is past, in its largest unit: "now", "42 s", "18 min", "5 h", "3 d".
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return count(int(d/(24*time.Hour))) + " d"
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func unixMilli(t time.Time) int64 { return t.UnixMilli() }

func gatewayPath(name string) string { return "/gateways/" + url.PathEscape(name) }

func thingPath(name string) string { return "/things/" + url.PathEscape(name) }
