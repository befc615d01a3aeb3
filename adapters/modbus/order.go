package modbus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
)

// Order is the order in which the bytes of a value come over the wire; A is the most significant. Four letters
// stand for every width, eight for what only 64-bit values know. Empty means ABCD.
type Order string

// fourLetters are the orders of two registers: big-endian words and bytes, swapped words, swapped bytes, both.
var fourLetters = []Order{"ABCD", "CDAB", "BADC", "DCBA"}

// UnmarshalText reads four or eight letters.
func (o *Order) UnmarshalText(text []byte) error {
	got := Order(strings.ToUpper(string(text)))
	if !got.known() {
		return &adapters.KeyError{
			Err:  fmt.Errorf("%q is no byte order", text),
			Hint: "write ABCD, CDAB (words swapped), BADC (bytes swapped) or DCBA (both); 8 letters for 64 bit",
		}
	}
	*o = got
	return nil
}

func (o Order) known() bool {
	return slices.Contains(fourLetters, o) || o.wholeRegisters()
}

// wholeRegisters reports whether o has eight letters, each once, and leaves the two bytes of each register together.
func (o Order) wholeRegisters() bool {
	if len(o) != 8 {
		return false
	}
	seen := 0
	for i := 0; i < 8; i += 2 {
		a, b := o[i]-'A', o[i+1]-'A'
		if a > 7 || a^1 != b {
			return false
		}
		seen |= 1<<a | 1<<b
	}
	return seen == 0xFF
}

// wire tells for a value of n bytes (2, 4 or 8) which byte comes when: wire[i] is the rank of the i-th byte that
// comes, 0 for the most significant. It reports whether this order says anything of that width.
func (o Order) wire(n int) (wire [8]uint8, ok bool) {
	if o == "" {
		o = fourLetters[0]
	}
	if len(o) == n && n == 8 {
		for i := range n {
			wire[i] = o[i] - 'A'
		}
		return wire, true
	}
	for _, four := range fourLetters {
		if four == o || len(o) == 8 && four.stretch(8) == o {
			text := four.stretch(n)
			for i := range n {
				wire[i] = text[i] - 'A'
			}
			return wire, true
		}
	}
	return wire, false
}

// stretch writes a four-letter order for n bytes: CDAB of 8 is GHEFCDAB.
func (o Order) stretch(n int) Order {
	out := make([]byte, n)
	for i := range n {
		from := i
		if o.swapsWords() {
			from = n - 2 - i&^1 + i&1
		}
		if o.swapsBytes() {
			from ^= 1
		}
		out[i] = byte('A' + from)
	}
	return Order(out)
}

func (o Order) swapsWords() bool { return o == "CDAB" || o == "DCBA" }

// swapsBytes reports whether the two bytes of each register change places.
func (o Order) swapsBytes() bool {
	return len(o) > 1 && (o[0]-'A')&1 == 1
}
