package modbus

// Table is one of the four tables of a device (Modbus Application Protocol 1.1b3, section 4.3).
type Table uint8

// The four tables. The zero Table is none of them.
const (
	Coil Table = iota + 1
	Discrete
	Input
	Holding
)

// tables tells each one's short name, Modicon's first digit and the function that reads it.
var tables = [...]struct {
	prefix, name string
	digit        byte
	read         byte
}{
	Coil:     {"co", "coil", '0', readCoils},
	Discrete: {"di", "discrete input", '1', readDiscretes},
	Input:    {"ir", "input register", '3', readInputs},
	Holding:  {"hr", "holding register", '4', readHoldings},
}

func (t Table) String() string { return tables[t].name }

// bits reports whether the table holds single bits rather than registers.
func (t Table) bits() bool { return t == Coil || t == Discrete }

func tableOfPrefix(prefix string) (Table, bool) {
	for t := Coil; t <= Holding; t++ {
		if tables[t].prefix == prefix {
			return t, true
		}
	}
	return 0, false
}

func tableOfDigit(digit byte) (Table, bool) {
	for t := Coil; t <= Holding; t++ {
		if tables[t].digit == digit {
			return t, true
		}
	}
	return 0, false
}
