package opcua

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// encode makes a value of an OPC UA type, or says why it can't be one. Nothing is rounded or cut
// silently, save for a double that becomes a float.
func encode(v telemetry.Value, t Type) (any, error) {
	if v.IsNone() {
		return nil, errors.New("there is no value to write")
	}
	switch t.id {
	case ua.TypeIDBoolean:
		return encodeBool(v)
	case ua.TypeIDFloat, ua.TypeIDDouble:
		return encodeFloat(v, t)
	case ua.TypeIDSByte, ua.TypeIDInt16, ua.TypeIDInt32, ua.TypeIDInt64:
		return encodeSigned(v, t)
	case ua.TypeIDByte, ua.TypeIDUint16, ua.TypeIDUint32, ua.TypeIDUint64, ua.TypeIDStatusCode:
		return encodeUnsigned(v, t)
	}
	return encodeText(v, t)
}

func misfit(v telemetry.Value, t Type) error {
	return fmt.Errorf("%s %q does not fit into %s", v.Kind(), v, t)
}

func encodeBool(v telemetry.Value) (any, error) {
	number, ok := v.Float()
	if !ok || number != 0 && number != 1 {
		return nil, misfit(v, Type{ua.TypeIDBoolean})
	}
	return number == 1, nil
}

func encodeFloat(v telemetry.Value, t Type) (any, error) {
	number, ok := v.Float()
	if !ok {
		return nil, misfit(v, t)
	}
	if t.id == ua.TypeIDDouble {
		return number, nil
	}
	if math.Abs(number) > math.MaxFloat32 && !math.IsInf(number, 0) {
		return nil, misfit(v, t)
	}
	return float32(number), nil
}

// whole is the value as decimal digits when it is a whole number: the one form that holds all of int64 and uint64.
func whole(v telemetry.Value) (string, bool) {
	switch v.Kind() {
	case telemetry.KindInt64, telemetry.KindUint64:
		return v.String(), true
	case telemetry.KindBool:
		return strconv.FormatUint(v.Bits(), 10), true
	case telemetry.KindFloat64:
		number, _ := v.Float()
		return strconv.FormatFloat(number, 'f', 0, 64), number == math.Trunc(number) && math.Abs(number) < 1<<53
	}
	return "", false
}

func encodeSigned(v telemetry.Value, t Type) (any, error) {
	bits := map[ua.TypeID]int{ua.TypeIDSByte: 8, ua.TypeIDInt16: 16, ua.TypeIDInt32: 32, ua.TypeIDInt64: 64}[t.id]
	digits, ok := whole(v)
	number, err := strconv.ParseInt(digits, 10, bits)
	if !ok || err != nil {
		return nil, misfit(v, t)
	}
	switch t.id {
	case ua.TypeIDSByte:
		return int8(number), nil
	case ua.TypeIDInt16:
		return int16(number), nil
	case ua.TypeIDInt32:
		return int32(number), nil
	}
	return number, nil
}

func encodeUnsigned(v telemetry.Value, t Type) (any, error) {
	bits := map[ua.TypeID]int{ua.TypeIDByte: 8, ua.TypeIDUint16: 16, ua.TypeIDUint32: 32, ua.TypeIDStatusCode: 32, ua.TypeIDUint64: 64}[t.id]
	digits, ok := whole(v)
	number, err := strconv.ParseUint(digits, 10, bits)
	if !ok || err != nil {
		return nil, misfit(v, t)
	}
	switch t.id {
	case ua.TypeIDByte:
		return uint8(number), nil
	case ua.TypeIDUint16:
		return uint16(number), nil
	case ua.TypeIDUint32:
		return uint32(number), nil
	case ua.TypeIDStatusCode:
		return ua.StatusCode(number), nil
	}
	return number, nil
}

// encodeText makes the types that a sample carries as text, from the same text.
func encodeText(v telemetry.Value, t Type) (any, error) {
	if v.Kind() != telemetry.KindString {
		return nil, misfit(v, t)
	}
	switch t.id {
	case ua.TypeIDString:
		return v.Text(), nil
	case ua.TypeIDXMLElement:
		return ua.XMLElement(v.Text()), nil
	case ua.TypeIDLocalizedText:
		return ua.NewLocalizedText(v.Text()), nil
	case ua.TypeIDDateTime:
		at, err := time.Parse(time.RFC3339Nano, v.Text())
		if err != nil {
			return nil, fmt.Errorf("%q is no time: want 2006-01-02T15:04:05Z", v)
		}
		return at.UTC(), nil
	case ua.TypeIDByteString:
		raw, err := hex.DecodeString(strings.ReplaceAll(v.Text(), " ", ""))
		if err != nil {
			return nil, fmt.Errorf("%q is no ByteString: want hexadecimal digits", v)
		}
		return raw, nil
	case ua.TypeIDGUID:
		guid, err := parseGUID(v.Text())
		if err != nil {
			return nil, err
		}
		return ua.NewGUID(guid), nil
	}
	return nil, fmt.Errorf("values of type %s can't be written", t)
}
