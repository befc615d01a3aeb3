package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// schema is a part of a JSON Schema (draft 2020-12).
type schema map[string]any

// Schema is the JSON Schema of the file, made from the structs that read it: for editors, which complete keys by it and underline what is
// none while it is written. It is looser than Load: names, units and whatever a protocol asks of its values are left to `check`.
func (l Loader) Schema() ([]byte, error) {
	target := schemaOf(reflect.TypeFor[targetKeys](), nil)
	target.join(schemaOf(reflect.TypeFor[brokerKeys](), nil))
	root := schemaOf(reflect.TypeFor[sections](), map[string]schema{
		"gateway": schemaOf(reflect.TypeFor[gatewayKeys](), nil), "buffer": schemaOf(reflect.TypeFor[bufferKeys](), nil),
		"local": schemaOf(reflect.TypeFor[localKeys](), nil), "cloud": listOf(target),
		"rules": listOf(schemaOf(reflect.TypeFor[ruleKeys](), nil)), "connections": tableOf(reference("connection")), "devices": listOf(reference("device")),
	})
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "Penstock gateway configuration, version 1"
	root["$defs"] = l.definitions()
	return json.MarshalIndent(root, "", " ")
}

// definitions are what stands in several places. Which protocol a device speaks is known by its connection only, so a device takes
// the keys of any.
func (l Loader) definitions() map[string]schema {
	var connections []schema
	device, point := schemaOf(reflect.TypeFor[deviceKeys](), nil), schemaOf(reflect.TypeFor[pointKeys](), nil)
	for _, k := range l.Kinds {
		settings := k.New()
		connections = append(connections, schemaOf(structOf(settings), nil))
		dev := settings.NewDevice()
		device.join(schemaOf(structOf(dev), nil))
		point.join(schemaOf(structOf(dev.NewPoint()), nil))
	}
	device.property("connection", anyOf(plainText(), reference("connection")))
	device.property("points", tableOf(anyOf(reference("point"), schema{"type": "null"})))
	device.property("unit", anyOf(scalarOf(), schema{"type": "array", "items": scalarOf()}))
	device.require("name")
	delete(point, "required")
	return map[string]schema{"connection": {"anyOf": connections}, "device": device, "point": point}
}

func structOf(settings any) reflect.Type {
	t := reflect.TypeOf(settings)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// schemaOf describes a struct; nodes are what it says of keys that the struct leaves to others.
func schemaOf(t reflect.Type, nodes map[string]schema) schema {
	properties, required := map[string]schema{}, []string{}
	for _, f := range planOf(t).fields {
		properties[f.key] = valueOf(f.typ)
		if s, ok := nodes[f.key]; ok {
			properties[f.key] = s
		}
		if f.required {
			required = append(required, f.key)
		}
	}
	s := schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// valueOf describes what binder.value takes for a type.
func valueOf(t reflect.Type) schema {
	switch {
	case t == nodeType:
		return schema{}
	case t.Kind() == reflect.Pointer:
		return valueOf(t.Elem())
	case readsText(t):
		return textOf(t)
	case t == durationType:
		return schema{"type": []string{"string", "integer"}, "pattern": `^(0|[0-9.]+ *(ns|us|µs|ms|s|m|h|d)[0-9.a-zµ]*|\$\{.*)$`, "maximum": 0}
	}
	switch k := t.Kind(); {
	case k == reflect.Struct:
		return schemaOf(t, nil)
	case k == reflect.Slice, k == reflect.Array:
		return listOf(valueOf(t.Elem()))
	case k == reflect.Map:
		return tableOf(valueOf(t.Elem()))
	case k == reflect.Bool:
		return orVariable(schema{"type": "boolean"})
	case k == reflect.String:
		return plainText()
	case k == reflect.Float32, k == reflect.Float64:
		return orVariable(schema{"type": "number"})
	}
	whole := schema{"type": "integer"}
	if reflect.New(t).Elem().CanUint() {
		whole["minimum"] = 0
	}
	return orVariable(whole)
}

// textOf is a type that reads itself from a text; one that is a struct may be written out as well.
func textOf(t reflect.Type) schema {
	if t.Kind() == reflect.Struct && len(planOf(t).fields) > 0 {
		return anyOf(scalarOf(), schemaOf(t, nil))
	}
	return scalarOf()
}

func scalarOf() schema  { return schema{"type": []string{"string", "number", "boolean", "null"}} }
func plainText() schema { return scalarOf() } // 7 and true are texts, too, where one is wanted

// orVariable also takes a variable of the environment, of which only the file's reader knows what it holds.
func orVariable(s schema) schema {
	return anyOf(s, schema{"type": "string", "pattern": `\$\{`})
}

func listOf(s schema) schema {
	return schema{"type": []string{"array", "null"}, "items": s}
}

func tableOf(s schema) schema {
	return schema{"type": []string{"object", "null"}, "additionalProperties": s}
}

func reference(name string) schema { return schema{"$ref": "#/$defs/" + name} }

func anyOf(some ...schema) schema { return schema{"anyOf": some} }

func (s schema) property(key string, of schema) { s["properties"].(map[string]schema)[key] = of }

func (s schema) require(keys ...string) { s["required"] = keys }

// join also takes the keys of another struct. A key of both takes what either does.
func (s schema) join(other schema) {
	mine := s["properties"].(map[string]schema)
	theirs := other["properties"].(map[string]schema)
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if before, ok := mine[key]; ok && !reflect.DeepEqual(before, theirs[key]) {
			mine[key] = anyOf(before, theirs[key])
			continue
		}
		mine[key] = theirs[key]
	}
}
