package modbus

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
)

// Address is a place in a device. Number counts from 0, as on the wire.
type Address struct {
	Table  Table
	Number uint16
	Sun    SunRef // where it is in a SunSpec model instead: a holding register that is found by walking the models
}

const howToWrite = "write hr:104 (holding register, counted from 0), ir: input register, di: discrete input, co: coil, or Modicon's 40105"

// ParseAddress reads hr:104, ir:5, di:0, co:16, a hexadecimal hr:0x68, and Modicon's five and six digits,
// which count from 1: 40105 and 400105 are hr:104.
func ParseAddress(text string) (Address, error) {
	text = strings.TrimSpace(text)
	prefix, number, prefixed := strings.Cut(text, ":")
	if !prefixed {
		return parseModicon(text)
	}
	if strings.EqualFold(prefix, "sunspec") {
		ref, err := parseSunRef(number)
		if err != nil {
			return Address{}, &adapters.KeyError{Err: err, Hint: howToWriteSun}
		}
		return Address{Table: Holding, Sun: ref}, nil
	}
	t, known := tableOfPrefix(strings.ToLower(prefix))
	if !known {
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%q is no table", prefix), Hint: howToWrite}
	}
	n, err := strconv.ParseUint(number, 0, 32)
	if len(number) > 1 && number[0] == '0' && number[1] != 'x' && number[1] != 'X' || strings.Contains(number, "_") {
		n, err = strconv.ParseUint(number, 10, 32) // never octal
	}
	switch {
	case err != nil:
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%q is no address", text), Hint: howToWrite}
	case mixed(t, number, n):
		return Address{}, mixes(t, number, n)
	case n > 0xFFFF:
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%s is beyond the last address, %s:65535", text, tables[t].prefix)}
	}
	return Address{Table: t, Number: uint16(n)}, nil
}

// mixed finds a Modicon number behind a prefix: hr:40105, di:40001, di:10001, hr:400105. An offset that really is
// that large is written in hexadecimal or in Modicon's six digits.
func mixed(t Table, digits string, n uint64) bool {
	if len(digits) != 5 && len(digits) != 6 || strings.ContainsAny(digits, "xX") {
		return false
	}
	first := digits[0]
	if len(digits) == 6 {
		_, ok := tableOfDigit(first)
		return ok
	}
	return n%10000 != 0 && (first == '3' || first == '4' || first == '1' && t == Discrete || first == '0')
}

func mixes(t Table, digits string, n uint64) error {
	count, _ := strconv.ParseUint(digits[1:], 10, 32)
	meant := Address{Table: t, Number: uint16(max(count, 1) - 1)}
	hint := fmt.Sprintf("write %s or %s", meant, meant.Modicon())
	if n <= 0xFFFF && tables[t].digit == digits[0] {
		hint += fmt.Sprintf("; if %d counts from 0, write %s:0x%X", n, tables[t].prefix, n)
	}
	return &adapters.KeyError{Err: fmt.Errorf("%s with %s: mixes two notations", digits, tables[t].prefix), Hint: hint}
}

func parseModicon(text string) (Address, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%q is no address", text), Hint: howToWrite}
	}
	if len(text) != 5 && len(text) != 6 {
		err := fmt.Errorf("%s does not say in which table", text)
		if n > 0xFFFF {
			return Address{}, &adapters.KeyError{Err: err, Hint: howToWrite}
		}
		meant := Address{Table: Holding, Number: uint16(n)}
		return Address{}, &adapters.KeyError{Err: err, Hint: fmt.Sprintf(
			"write hr:%d (counted from 0, the same as %s), or ir:, di:, co: for the other tables", n, meant.Modicon())}
	}
	t, known := tableOfDigit(text[0])
	if !known {
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%s begins with %c, which is no table of Modicon's", text, text[0]), Hint: howToWrite}
	}
	count, _ := strconv.ParseUint(text[1:], 10, 32)
	if count == 0 || count > 0x10000 {
		return Address{}, &adapters.KeyError{Err: fmt.Errorf("%s: Modicon's numbers count from 1 to 9999 (five digits) or 65536 (six)", text)}
	}
	return Address{Table: t, Number: uint16(count - 1)}, nil
}

// UnmarshalText reads what ParseAddress reads.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

// String is the notation of Penstock: hr:104. It is empty for the zero Address.
func (a Address) String() string {
	if a.Table == 0 {
		return ""
	}
	if a.Sun != (SunRef{}) {
		return a.Sun.String()
	}
	return tables[a.Table].prefix + ":" + strconv.Itoa(int(a.Number))
}

// Modicon is the number that counts from 1 behind the table's digit: 40105.
func (a Address) Modicon() string {
	if a.Number < 9999 {
		return fmt.Sprintf("%c%04d", tables[a.Table].digit, int(a.Number)+1)
	}
	return fmt.Sprintf("%c%05d", tables[a.Table].digit, int(a.Number)+1)
}

// Notations is the address in every notation that manuals use: hr:104 = 40105 = 0x0068.
func (a Address) Notations() string {
	if a.Sun != (SunRef{}) {
		return a.String()
	}
	return fmt.Sprintf("%s = %s = 0x%04X", a, a.Modicon(), a.Number)
}
