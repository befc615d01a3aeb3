package opcua

import (
	"fmt"
	"strings"

	"github.com/gopcua/opcua/ua"
)

// Type is an OPC UA data type that can be written; the zero Type leaves it to the server.
type Type struct{ id ua.TypeID }

// typeNames are the names of OPC UA, in lower case, and the ones that the other protocols use.
var typeNames = map[string]ua.TypeID{
	"boolean": ua.TypeIDBoolean, "bool": ua.TypeIDBoolean,
	"sbyte": ua.TypeIDSByte, "int8": ua.TypeIDSByte,
	"byte": ua.TypeIDByte, "uint8": ua.TypeIDByte,
	"int16": ua.TypeIDInt16, "uint16": ua.TypeIDUint16,
	"int32": ua.TypeIDInt32, "uint32": ua.TypeIDUint32,
	"int64": ua.TypeIDInt64, "uint64": ua.TypeIDUint64,
	"float": ua.TypeIDFloat, "float32": ua.TypeIDFloat,
	"double": ua.TypeIDDouble, "float64": ua.TypeIDDouble,
	"string": ua.TypeIDString, "datetime": ua.TypeIDDateTime, "guid": ua.TypeIDGUID,
	"bytestring": ua.TypeIDByteString, "xmlelement": ua.TypeIDXMLElement,
	"statuscode": ua.TypeIDStatusCode, "localizedtext": ua.TypeIDLocalizedText,
}

// UnmarshalText reads a name such as Double or float64; nothing is the zero Type.
func (t *Type) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Type{}
		return nil
	}
	known, ok := typeNames[strings.ToLower(string(text))]
	if !ok {
		return fmt.Errorf("unknown type %q; want one of OPC UA's, such as Boolean, Int32, UInt16, Float, Double or String", text)
	}
	t.id = known
	return nil
}

// MarshalText writes the name as OPC UA spells it; empty for the zero Type.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// String is the name as OPC UA spells it; empty for the zero Type.
func (t Type) String() string {
	if t.id == ua.TypeIDNull {
		return ""
	}
	return strings.ReplaceAll(strings.TrimPrefix(t.id.String(), "TypeID"), "Uint", "UInt")
}

func (t Type) isZero() bool { return t.id == ua.TypeIDNull }

// writable reports whether values of a built-in type can be made here.
func writable(t ua.TypeID) bool {
	for _, known := range typeNames {
		if known == t {
			return true
		}
	}
	return false
}
