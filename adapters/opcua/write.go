package opcua

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Write sends one value and returns when the server has confirmed it. Only the value is sent: most
// servers refuse a status or a timestamp from outside.
func (a *Adapter) Write(ctx context.Context, p adapters.Point, v telemetry.Value) error {
	nodeID, spec, err := a.resolve(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	do := a.write
	if spec.Object != "" {
		do = a.call
	}
	if err := do(ctx, nodeID, spec, v); err != nil {
		return fmt.Errorf("write %s: %w", spec, plain(err))
	}
	return nil
}

func (a *Adapter) write(ctx context.Context, nodeID *ua.NodeID, spec *Spec, v telemetry.Value) error {
	kind, err := a.typeOf(ctx, nodeID, spec)
	if err != nil {
		return err
	}
	value, err := encode(v, kind)
	if err != nil {
		return err
	}
	request, err := writeRequest(nodeID, spec, value)
	if err != nil {
		return err
	}
	response, err := exchange[*ua.WriteResponse](ctx, a.session, request)
	if err != nil {
		return err
	}
	if len(response.Results) != 1 {
		return fmt.Errorf("the server answered one write with %d results", len(response.Results))
	}
	return refusal(response.Results[0])
}

// writeRequest writes an element of an array as an array of one, by its range (OPC 10000-4, 7.27).
func writeRequest(nodeID *ua.NodeID, spec *Spec, value any) (*ua.WriteRequest, error) {
	indexRange := ""
	if spec.Index != wholeValue {
		list := reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(value)), 1, 1)
		list.Index(0).Set(reflect.ValueOf(value))
		indexRange, value = strconv.Itoa(spec.Index), list.Interface()
		if octets, ok := value.([]byte); ok {
			value = ua.ByteArray(octets)
		}
	}
	variant, err := ua.NewVariant(value)
	if err != nil {
		return nil, err
	}
	return &ua.WriteRequest{NodesToWrite: []*ua.WriteValue{{
		NodeID: nodeID, AttributeID: ua.AttributeIDValue, IndexRange: indexRange,
		Value: &ua.DataValue{EncodingMask: ua.DataValueValue, Value: variant},
	}}}, nil
}

// refusal says what a bad result of a write means to a person.
func refusal(status ua.StatusCode) error {
	if !telemetry.Quality(status).IsBad() {
		return nil
	}
	switch status {
	case ua.StatusBadUserAccessDenied, ua.StatusBadNotWritable:
		return fmt.Errorf("the server does not let this user write here: %w", status)
	case ua.StatusBadTypeMismatch:
		return fmt.Errorf("the server wants another data type; name it with type: %w", status)
	case ua.StatusBadOutOfRange:
		return fmt.Errorf("the server finds the value out of range: %w", status)
	}
	return status
}

// typeOf is the data type to write: the point's own, else what the server says, which is asked once.
func (a *Adapter) typeOf(ctx context.Context, nodeID *ua.NodeID, spec *Spec) (Type, error) {
	if !spec.Type.isZero() {
		return spec.Type, nil
	}
	a.mu.Lock()
	known, ok := a.types[nodeID.String()]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	kind, err := a.askType(ctx, nodeID)
	if err != nil {
		return Type{}, err
	}
	a.mu.Lock()
	a.types[nodeID.String()] = kind
	a.mu.Unlock()
	return kind, nil
}

// askType reads the node's DataType. A derived type (an enumeration, a Duration) or an abstract one
// (Number) tells no encoding: there the present value's is taken.
func (a *Adapter) askType(ctx context.Context, nodeID *ua.NodeID) (Type, error) {
	values, err := a.fetch(ctx, []*ua.ReadValueID{attribute(nodeID, ua.AttributeIDDataType), attribute(nodeID, ua.AttributeIDValue)})
	if err != nil {
		return Type{}, fmt.Errorf("ask for the data type: %w", err)
	}
	if status := values[0].Status; status == ua.StatusBadNodeIDUnknown || status == ua.StatusBadNodeIDInvalid {
		return Type{}, fmt.Errorf("the server has no such node: %w", status)
	}
	if named, ok := values[0].Value.Value().(*ua.NodeID); ok && named.Namespace() == 0 && named.IntID() <= uint32(ua.TypeIDDiagnosticInfo) {
		if kind := ua.TypeID(named.IntID()); writable(kind) {
			return Type{kind}, nil
		}
	}
	if kind := values[1].Value.Type(); writable(kind) {
		return Type{kind}, nil
	}
	return Type{}, errors.New("the server does not say what data type it wants; name it with type:")
}
