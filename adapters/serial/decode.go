package serial

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// decoders read a group's text, by Spec.Type.
var decoders = map[string]func(text string) (telemetry.Value, error){
	"": float, "float64": float, "int64": signed, "uint64": unsigned, "string": words, "bool": truth,
}

var errNoNumber = errors.New("no number")

// number brings a device's way of writing a number into Go's: spaces round it and between sign and digits go, a
// decimal comma becomes a point. What is left has digits, a sign, a point and an exponent, and nothing else.
func number(text string) (string, error) {
	s := strings.Trim(text, " \t")
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], strings.TrimLeft(s[1:], " ")
	}
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	if s == "" || s[0] == '-' || s[0] == '+' || strings.Trim(s, "0123456789.eE+-") != "" || strings.ContainsAny(s, ", _") {
		return "", fmt.Errorf("%q: %w", text, errNoNumber)
	}
	if sign == "+" {
		sign = ""
	}
	return sign + s, nil
}

func float(text string) (telemetry.Value, error) {
	s, err := number(text)
	if err != nil {
		return telemetry.Value{}, err
	}
	v, err := strconv.ParseFloat(s, 64)
	return telemetry.Float64(v), err
}

func signed(text string) (telemetry.Value, error) {
	s, err := number(text)
	if err != nil {
		return telemetry.Value{}, err
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return telemetry.Int64(v), err
}

func unsigned(text string) (telemetry.Value, error) {
	s, err := number(text)
	if err != nil {
		return telemetry.Value{}, err
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return telemetry.Uint64(v), err
}

func words(text string) (telemetry.Value, error) {
	return telemetry.String(strings.TrimSpace(text)), nil
}

func truth(text string) (telemetry.Value, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "on", "yes":
		return telemetry.Bool(true), nil
	case "0", "false", "off", "no":
		return telemetry.Bool(false), nil
	}
	return telemetry.Value{}, fmt.Errorf("%q is neither 1 nor 0, true nor false, on nor off, yes nor no", text)
}

// negated is the value with its sign turned, for a device that sends the sign as a bit elsewhere.
func negated(v telemetry.Value) telemetry.Value {
	if v.Kind() == telemetry.KindInt64 {
		return telemetry.Int64(-int64(v.Bits()))
	}
	f, _ := v.Float()
	return telemetry.Float64(-f)
}

// scale gives v * factor + offset. A factor like 0.1 divides by 10 instead: 3 tenths are 0.3, and 3 * 0.1 is not.
func scale(v telemetry.Value, factor, offset float64) telemetry.Value {
	f, _ := v.Float()
	if whole := math.Round(1 / factor); math.Abs(factor) < 1 && math.Abs(whole) < 1e15 && 1/whole == factor {
		f /= whole
	} else {
		f *= factor
	}
	return telemetry.Float64(f + offset)
}
