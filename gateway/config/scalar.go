package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// wrong is a mistake in a value, with what to write instead.
func wrong(hint, format string, args ...any) *adapters.KeyError {
	return &adapters.KeyError{Err: fmt.Errorf(format, args...), Hint: hint}
}

// readBool takes true and false only: yes, no, on and off are booleans to some readers of YAML and text to others.
func readBool(text string) (bool, *adapters.KeyError) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	switch strings.ToLower(text) {
	case "yes", "on", "y", "true", "1":
		return false, wrong("write true", "%q is not a truth value", text)
	case "no", "off", "n", "false", "0":
		return false, wrong("write false", "%q is not a truth value", text)
	}
	return false, wrong("write true or false", "%q is not a truth value", text)
}

// readInt takes decimal and 0x numbers. A leading zero is refused: 010 is 8 to some readers and 10 to others.
func readInt(text string) (int64, *adapters.KeyError) {
	digits := strings.TrimLeft(text, "+-")
	switch {
	case strings.Contains(text, "_"):
		return 0, wrong("write "+strings.ReplaceAll(text, "_", ""), "a number has no underscores")
	case len(digits) > 1 && digits[0] == '0' && isDigits(digits):
		return 0, leadingZero(text, digits)
	}
	v, err := strconv.ParseInt(text, 0, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, wrong("", "%s is too big", text)
	case err != nil:
		if _, ferr := strconv.ParseFloat(text, 64); ferr == nil {
			return 0, wrong("", "%s is no whole number", text)
		}
		return 0, wrong("write a number, as in 5 or 0x1F", "%q is no number", text)
	}
	return v, nil
}

func leadingZero(text, digits string) *adapters.KeyError {
	plain := strings.TrimLeft(digits, "0")
	if plain == "" {
		return wrong("write 0", "%s has a leading zero", text)
	}
	hint := "write " + plain
	if octal, err := strconv.ParseInt(digits, 8, 64); err == nil {
		hint += fmt.Sprintf(", or %d if it was meant in base 8", octal)
	}
	return wrong(hint, "%s has a leading zero, which is base 8 to some programs and base 10 to others", text)
}

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// readUint takes what readInt takes, and up to the largest 64-bit number.
func readUint(text string) (uint64, *adapters.KeyError) {
	if v, err := readInt(text); err == nil && v >= 0 {
		return uint64(v), nil
	} else if err == nil {
		return 0, wrong("", "%s is below zero", text)
	} else if v, perr := strconv.ParseUint(text, 0, 64); perr == nil && !strings.Contains(text, "_") && (text[0] != '0' || len(text) > 2 && text[1] == 'x') {
		return v, nil
	} else {
		return 0, err
	}
}

// readFloat takes numbers with a decimal point. NaN and the infinities are no settings.
func readFloat(text string) (float64, *adapters.KeyError) {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' && isDigits(digits) {
		return 0, leadingZero(text, digits)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) && !strings.ContainsAny(text, "_xX") {
		return v, nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return 0, wrong("", "%s is too big", text)
	}
	if whole, ierr := readInt(text); ierr == nil {
		return float64(whole), nil
	}
	if dotted := strings.Replace(text, ",", ".", 1); dotted != text {
		if _, err := strconv.ParseFloat(dotted, 64); err == nil {
			return 0, wrong("write "+dotted, "%q is no number: the decimal sign is a point", text)
		}
	}
	return 0, wrong("write a number, as in 0.1", "%q is no number", text)
}

// readDuration takes 200ms, 5s, 1h30m and 30d. A number without a unit is refused: seconds to one, milliseconds to the next.
func readDuration(text string) (time.Duration, *adapters.KeyError) {
	if text == "0" {
		return 0, nil
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		if v < 0 {
			return 0, wrong("", "%s is below zero", text)
		}
		return 0, wrong(fmt.Sprintf("write %sms or %ss", text, text), "%s has no unit", text)
	}
	compact := strings.ReplaceAll(text, " ", "")
	d, err := parseDays(compact)
	switch {
	case err != nil:
		return 0, wrong("write 200ms, 5s, 10m, 12h or 30d", "%q is no duration", text)
	case d < 0:
		return 0, wrong("", "%s is below zero", text)
	case compact != text:
		return 0, wrong("write "+compact, "%q has a space in it", text)
	}
	return d, nil
}

// parseDays is time.ParseDuration that knows days.
func parseDays(text string) (time.Duration, error) {
	whole, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	const longest = math.MaxInt64 / float64(24*time.Hour)
	days, err := strconv.ParseFloat(whole, 64)
	if err != nil || math.IsNaN(days) || math.Abs(days) > longest-1 {
		return 0, fmt.Errorf("%q is no number of days", whole)
	}
	d := time.Duration(days * float64(24*time.Hour))
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > 24*time.Hour {
		return 0, fmt.Errorf("%q is no part of a day", rest)
	}
	return d + more, nil
}
