package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Bounds of a JSON payload.
const (
	MaxPayload = 128 << 10 // bytes
	MaxFields  = 1000
	MaxDepth   = 6 // names in a dotted name
)

// timeField is the field that tells the time of all others, in milliseconds since 1970.
const timeField = "ts"

const lastMS = int64(math.MaxInt64 / 1_000_000) // the last millisecond that nanoseconds can tell

// ParseTelemetry reads the samples of a thing that speaks JSON: an object whose fields become points. Nested objects give dotted
// names (a.b), arrays numbered ones (a.0). A number without fraction and exponent is an int64, beyond that a
// uint64, every other number a float64. null says that there is no value: the sample holds nothing and is Bad.
// A field ts tells the time of all in milliseconds; without it they were made when they were received.
// Sample.Point is a place in names, as Encoder.AppendBlock wants it.
func ParseTelemetry(payload []byte, received time.Time) (names []string, samples []telemetry.Sample, err error) {
	if len(payload) > MaxPayload {
		return nil, nil, fmt.Errorf("the payload has %d bytes; %d are the most: send fewer fields a message", len(payload), MaxPayload)
	}
	p := payloadParser{seen: map[string]bool{}, time: received.UnixNano()}
	if err := p.parse(payload); err != nil {
		return nil, nil, err
	}
	for i := range p.samples {
		p.samples[i].Time = p.time
	}
	return p.names, p.samples, nil
}

type payloadParser struct {
	tokens  *json.Decoder
	seen    map[string]bool
	names   []string
	samples []telemetry.Sample
	time    int64
}

func (p *payloadParser) parse(payload []byte) error {
	var whole json.RawMessage
	if err := json.Unmarshal(payload, &whole); err != nil {
		return fmt.Errorf("the payload is not JSON: %w", err)
	}
	p.tokens = json.NewDecoder(bytes.NewReader(payload))
	p.tokens.UseNumber()
	if first, err := p.tokens.Token(); err != nil || first != json.Delim('{') {
		return errors.New(`the payload is not an object; send fields by name, as in {"temperature": 21.5}`)
	}
	if err := p.object("", 0); err != nil {
		return err
	}
	if len(p.samples) == 0 {
		return errors.New(`the payload has no field with a value; send at least one, as in {"temperature": 21.5}`)
	}
	return nil
}

// object reads the members of an object whose brace is read. prefix is its name and a dot.
func (p *payloadParser) object(prefix string, depth int) error {
	for p.tokens.More() {
		key, err := p.tokens.Token()
		if err != nil {
			return fmt.Errorf("the payload is not JSON: %w", err)
		}
		if err := p.member(prefix+key.(string), depth+1); err != nil {
			return err
		}
	}
	_, err := p.tokens.Token()
	return err
}

func (p *payloadParser) array(prefix string, depth int) error {
	for i := 0; p.tokens.More(); i++ {
		if err := p.member(prefix+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	_, err := p.tokens.Token()
	return err
}

// member reads the value of one member.
func (p *payloadParser) member(name string, depth int) error {
	if err := checkField(name, depth); err != nil {
		return err
	}
	token, err := p.tokens.Token()
	if err != nil {
		return fmt.Errorf("the payload is not JSON: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return p.object(name+".", depth)
	case json.Delim('['):
		return p.array(name+".", depth)
	}
	if name == timeField {
		return p.setTime(token)
	}
	return p.add(name, token)
}

func checkField(name string, depth int) error {
	switch {
	case depth > MaxDepth:
		return fmt.Errorf("field %.80q lies %d deep; %d is the most", name, depth, MaxDepth)
	case len(name) > MaxName:
		return fmt.Errorf("the name of field %.80q has %d bytes; %d are the most", name, len(name), MaxName)
	case name == "" || name[len(name)-1] == '.':
		return errors.New("a field has no name")
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return fmt.Errorf("the name of field %q has a control character", name)
		}
	}
	return nil
}

func (p *payloadParser) add(name string, token json.Token) error {
	if p.seen[name] {
		return fmt.Errorf("field %q is there twice", name)
	}
	if len(p.samples) == MaxFields {
		return fmt.Errorf("the payload has more than %d fields; send fewer a message", MaxFields)
	}
	s := telemetry.Sample{Point: telemetry.PointID(len(p.names))}
	switch v := token.(type) {
	case nil:
		s.Quality = telemetry.Bad
	case bool:
		s.Value = telemetry.Bool(v)
	case string:
		if len(v) > MaxText {
			return fmt.Errorf("field %q is a text of %d bytes; %d are the most", name, len(v), MaxText)
		}
		s.Value = telemetry.String(v)
	case json.Number:
		number, err := parseNumber(v.String())
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		s.Value = number
	}
	p.seen[name] = true
	p.names, p.samples = append(p.names, name), append(p.samples, s)
	return nil
}

func parseNumber(s string) (telemetry.Value, error) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return telemetry.Int64(i), nil
	}
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return telemetry.Uint64(u), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return telemetry.Value{}, fmt.Errorf("the number %.80s is beyond a float64", s)
	}
	return telemetry.Float64(f), nil
}

func (p *payloadParser) setTime(token json.Token) error {
	number, ok := token.(json.Number)
	if !ok {
		return fmt.Errorf("ts is %.80v; milliseconds since 1970 are wanted, as a number", token)
	}
	if ms, err := strconv.ParseInt(number.String(), 10, 64); err == nil && ms >= 0 && ms <= lastMS {
		p.time = ms * 1e6
		return nil
	}
	ms, err := number.Float64()
	if err != nil || ms < 0 || ms > float64(lastMS) {
		return fmt.Errorf("ts is %.80s; milliseconds since 1970 are wanted, up to %d", number, lastMS)
	}
	p.time = int64(math.Round(ms*1e3)) * 1e3 // a float64 holds today's microseconds, not its nanoseconds
	return nil
}
