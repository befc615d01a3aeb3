package opcua

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// maxArguments is more than any method takes.
const maxArguments = 64

// outcome is how the last call of a method went.
type outcome struct {
	with telemetry.Value // what it was called with
	gave telemetry.Value
	at   time.Time
}

// call calls the method that a point stands for (OPC 10000-4, 5.12.2). The value is its one argument; a JSON array, as text, when it has
// several; true when it has none.
func (a *Adapter) call(ctx context.Context, method *ua.NodeID, spec *Spec, v telemetry.Value) error {
	object, err := a.node(spec.Object)
	if err != nil {
		return err
	}
	wants, err := a.arguments(ctx, method)
	if err != nil {
		return fmt.Errorf("ask for the arguments: %w", err)
	}
	inputs, err := inputsOf(v, wants)
	if err != nil {
		return err
	}
	response, err := exchange[*ua.CallResponse](ctx, a.session, &ua.CallRequest{
		MethodsToCall: []*ua.CallMethodRequest{{ObjectID: object, MethodID: method, InputArguments: inputs}},
	})
	if err != nil {
		return err
	}
	if len(response.Results) != 1 || response.Results[0] == nil {
		return fmt.Errorf("the server answered one call with %d results", len(response.Results))
	}
	result := response.Results[0]
	for i, status := range result.InputArgumentResults {
		if telemetry.Quality(status).IsBad() && i < len(wants) {
			return fmt.Errorf("the server refuses the argument %s: %w", wants[i].Name, status)
		}
	}
	if err := refusal(result.StatusCode); err != nil {
		return err
	}
	o := outcome{v, outputOf(result.OutputArguments), time.Now()}
	a.log.Info("method called", "method", spec, "with", v.Short(), "gave", o.gave.Short())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outcomes[method.String()] = o
	return nil
}

// arguments asks which arguments a method takes. They are a property of it; without one there are none.
func (a *Adapter) arguments(ctx context.Context, method *ua.NodeID) (list []*ua.Argument, err error) {
	response, err := exchange[*ua.TranslateBrowsePathsToNodeIDsResponse](ctx, a.session, &ua.TranslateBrowsePathsToNodeIDsRequest{
		BrowsePaths: []*ua.BrowsePath{{StartingNode: method, RelativePath: &ua.RelativePath{Elements: []*ua.RelativePathElement{{
			ReferenceTypeID: ua.NewNumericNodeID(0, id.HasProperty), TargetName: &ua.QualifiedName{Name: "InputArguments"},
		}}}}},
	})
	if err != nil {
		return nil, err
	}
	if len(response.Results) != 1 || response.Results[0] == nil {
		return nil, fmt.Errorf("the server answered one question with %d results", len(response.Results))
	}
	switch result := response.Results[0]; {
	case result.StatusCode == ua.StatusBadNoMatch:
		return nil, nil
	case result.StatusCode != ua.StatusOK:
		return nil, result.StatusCode
	case len(result.Targets) == 0 || result.Targets[0] == nil || result.Targets[0].TargetID == nil:
		return nil, nil
	default:
		values, err := a.fetch(ctx, []*ua.ReadValueID{attribute(result.Targets[0].TargetID.NodeID, ua.AttributeIDValue)})
		if err != nil {
			return nil, err
		}
		return argumentsIn(values[0].Value.Value())
	}
}

func argumentsIn(value any) (list []*ua.Argument, err error) {
	objects, ok := value.([]*ua.ExtensionObject)
	if !ok && value != nil || len(objects) > maxArguments {
		return nil, errors.New("the server describes them in a way that is not understood here")
	}
	for _, o := range objects {
		argument, ok := (*ua.Argument)(nil), false
		if o != nil {
			argument, ok = o.Value.(*ua.Argument)
		}
		if !ok {
			return nil, errors.New("the server describes one in a way that is not understood here")
		}
		list = append(list, argument)
	}
	return list, nil
}

// plainTypes are data types that are sent as another one (OPC 10000-3, 8).
var plainTypes = map[uint32]ua.TypeID{
	id.Number: ua.TypeIDDouble, id.Integer: ua.TypeIDInt64, id.UInteger: ua.TypeIDUint64, id.Enumeration: ua.TypeIDInt32, id.Duration: ua.TypeIDDouble, id.UtcTime: ua.TypeIDDateTime,
}

func typeOfArgument(a *ua.Argument) (Type, error) {
	if a.DataType != nil && a.DataType.Namespace() == 0 && a.ValueRank < 0 {
		kind := ua.TypeID(a.DataType.IntID())
		if plain, ok := plainTypes[a.DataType.IntID()]; ok {
			kind = plain
		}
		if a.DataType.IntID() <= 255 && writable(kind) {
			return Type{kind}, nil
		}
	}
	return Type{}, fmt.Errorf("the argument %s is of a type that can't be made here", a.Name)
}

// inputsOf makes the arguments of a call.
func inputsOf(v telemetry.Value, wants []*ua.Argument) (inputs []*ua.Variant, err error) {
	values := []telemetry.Value{v}
	switch len(wants) {
	case 0:
		if yes, ok := v.Float(); !ok || yes != 1 {
			return nil, errors.New("the method takes no argument: write true to call it")
		}
		return nil, nil
	case 1:
	default:
		if values, err = valuesIn(v.Text()); err == nil && len(values) != len(wants) {
			err = fmt.Errorf("%d values", len(values))
		}
		if err != nil {
			return nil, fmt.Errorf("the method takes %d arguments: write them as [1, \"text\", true]: %w", len(wants), err)
		}
	}
	for i, want := range wants {
		kind, err := typeOfArgument(want)
		if err != nil {
			return nil, err
		}
		value, err := encode(values[i], kind)
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", want.Name, err)
		}
		variant, err := ua.NewVariant(value)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, variant)
	}
	return inputs, nil
}

// valuesIn reads a JSON array of numbers, texts and booleans.
func valuesIn(text string) (values []telemetry.Value, err error) {
	var list []any
	in := json.NewDecoder(bytes.NewReader([]byte(text)))
	in.UseNumber()
	if err := in.Decode(&list); err != nil {
		return nil, err
	}
	if in.More() || len(list) > maxArguments {
		return nil, errors.New("more than one list of arguments")
	}
	for _, one := range list {
		switch x := one.(type) {
		case bool:
			values = append(values, telemetry.Bool(x))
		case string:
			values = append(values, telemetry.String(x))
		case json.Number:
			if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
				values = append(values, telemetry.Int64(n))
				continue
			}
			f, err := x.Float64()
			if err != nil {
				return nil, err
			}
			values = append(values, telemetry.Float64(f))
		default:
			return nil, fmt.Errorf("%v is no number, text or boolean", one)
		}
	}
	return values, nil
}

// outputOf is what a call gave: the value, a JSON array of several, or true when there is nothing but success.
func outputOf(outputs []*ua.Variant) telemetry.Value {
	var values []telemetry.Value
	for _, o := range outputs {
		v, _ := decode(o, wholeValue) // what can't be had is nothing
		values = append(values, v)
	}
	switch len(values) {
	case 0:
		return telemetry.Bool(true)
	case 1:
		return values[0]
	}
	text, err := json.Marshal(values)
	if err != nil {
		return telemetry.Value{}
	}
	return telemetry.String(string(text))
}

// outcome is what the point of a method reads: what it was called with last, or what that gave. Nothing is known of calls that others made.
func (a *Adapter) outcome(p planned, now time.Time) telemetry.Sample {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, ok := a.outcomes[p.method]
	if !ok {
		return bad(p.id, telemetry.BadWaitingForData, now)
	}
	s := telemetry.Sample{Point: p.id, Time: o.at.UnixNano(), Value: o.with}
	if p.result {
		s.Value = o.gave
	}
	if s.Value.IsNone() {
		s.Quality = telemetry.BadTypeMismatch
	}
	return s
}
