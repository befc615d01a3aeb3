package modbus

import (
	"fmt"
	"strings"

	"github.com/penstock-edge/penstock/adapters"
)

// Type is what the registers of a point hold. The zero Type is left to the device, or to the table.
type Type uint8

// The types of values.
const (
	Bool Type = iota + 1
	Int16
	Uint16
	Int32
	Uint32
	Int64
	Uint64
	Float32
	Float64
	Text // string
)

var typeNames = [...]string{"", "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string"}

// otherNames are the words that manuals and other programs use.
var otherNames = map[string]string{
	"int": "int16", "short": "int16", "word": "uint16", "uint": "uint16", "ushort": "uint16", "dint": "int32", "long": "int32", "dword": "uint32",
	"udint": "uint32", "ulong": "uint32", "lint": "int64", "qword": "uint64", "ulint": "uint64", "real": "float32", "float": "float32", "single": "float32",
	"double": "float64", "lreal": "float64", "text": "string", "boolean": "bool", "bit": "bool",
}

// UnmarshalText reads the type's name.
func (t *Type) UnmarshalText(text []byte) error {
	for i, name := range typeNames {
		if i > 0 && name == string(text) {
			*t = Type(i)
			return nil
		}
	}
	hint := "write one of " + strings.Join(typeNames[1:], ", ")
	if name, ok := otherNames[strings.ToLower(string(text))]; ok {
		hint = "write " + name
	}
	return &adapters.KeyError{Err: fmt.Errorf("%q is no type", text), Hint: hint}
}

func (t Type) String() string { return typeNames[t] }

// bytes is the width of a number; a string's is its length.
func (t Type) bytes() int {
	switch t {
	case Int32, Uint32, Float32:
		return 4
	case Int64, Uint64, Float64:
		return 8
	}
	return 2
}

func (t Type) integer() bool { return t >= Int16 && t <= Uint64 }

func (t Type) signed() bool { return t == Int16 || t == Int32 || t == Int64 }

func (t Type) number() bool { return t >= Int16 && t <= Float64 }
