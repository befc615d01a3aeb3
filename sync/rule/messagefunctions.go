package rule

import (
	"fmt"
	"strings"
)

var messageFunctions = map[string]function{
	"accountid":   {call: func(e *env, _ []Value) Value { return textOr(e.o.Account, Value{}) }},
	"sql_version": {call: func(*env, []Value) Value { return text("2016-03-23") }},
	"newuuid":     {call: newUUID},
	"clientid":    {message: true, call: func(e *env, _ []Value) Value { return textOr(e.message().ClientID, text("n/a")) }},
	"principal":   {message: true, call: func(e *env, _ []Value) Value { return textOr(e.message().Principal, Value{}) }},
	"traceid":     {message: true, call: func(e *env, _ []Value) Value { return textOr(e.message().TraceID, Value{}) }},
	"topic":       {max: 1, message: true, call: topic},

	"get_user_properties": {min: 1, max: 1, message: true, call: userProperties},
	"get_mqtt_property":   {min: 1, max: 1, message: true, call: mqttProperty},
}

// hostFunctions reach beyond the message. The caller of New passes them in; without, they are Undefined. Ours stand beside AWS's names.
var hostFunctions = map[string]function{
	"aws_lambda": host("function"), "function": host("function"), "get_dynamodb": host("lookup"), "lookup": host("lookup"),
	"get_secret": host("secret"), "secret": host("secret"), "get_thing_shadow": host("shadow"), "shadow": host("shadow"),
	"get_registry_data": host("registry"), "machinelearning_predict": {max: any1000, call: func(*env, []Value) Value { return Value{} }},
}

func host(name string) function {
	return function{max: any1000, message: true, call: func(e *env, a []Value) Value {
		fn := e.o.Functions[name]
		if fn == nil {
			return Value{}
		}
		e.charge(hostCost)
		if e.err != nil {
			return Value{}
		}
		v, err := fn(append([]Value(nil), a...))
		if err != nil {
			e.fail(fmt.Errorf("%s: %w", name, err))
		}
		return v
	}}
}

// hostCost lets one message call at most a hundred of the functions that reach elsewhere.
const hostCost = defaultSteps / 100

func textOr(s string, without Value) Value {
	if s == "" {
		return without
	}
	return text(s)
}

func newUUID(e *env, _ []Value) Value {
	a, b := e.o.Rand(), e.o.Rand()
	a, b = a&^0xF000|0x4000, b&^(3<<62)|2<<62 // version 4, variant 1 (RFC 9562)
	return text(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xFFFF, a&0xFFFF, b>>48, b&(1<<48-1)))
}

// topic is the whole topic, or a level of it, the first being 1. A message to $aws/rules/NAME/ has the topic behind that.
func topic(e *env, a []Value) Value {
	whole := e.topic()
	if len(a) == 0 {
		return text(whole)
	}
	n, ok := toNumber(a[0])
	if !ok {
		return Value{}
	}
	return level(whole, rounded(n, down).small())
}

func level(topic string, n int) Value {
	for ; n > 1; n-- {
		at := strings.IndexByte(topic, '/')
		if at < 0 {
			return Value{}
		}
		topic = topic[at+1:]
	}
	if n < 1 {
		return Value{}
	}
	first, _, _ := strings.Cut(topic, "/")
	return text(first)
}

// userProperties are the values that MQTT 5 has for the name, as an array; Undefined without any.
func userProperties(e *env, a []Value) Value {
	var found []Value
	for _, p := range e.message().User {
		if p[0] == toString(a[0]).text {
			found = append(found, text(p[1]))
		}
	}
	if found == nil {
		return Value{}
	}
	return list(found)
}

func mqttProperty(e *env, a []Value) Value {
	return textOr(e.message().Properties[toString(a[0]).text], Value{})
}
