package adaptertest

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// What the gateway itself reads from a connection, a device and a point. A protocol's key of the same name could never be set.
var (
	connectionWords = []string{"name", "devices"}
	deviceWords     = []string{"name", "connection", "template", "tags", "points"}
	pointWords      = []string{"scan", "deadband", "heartbeat", "range", "access", "enum"}
)

func kindIsNamed(t testing.TB, s Suite) {
	if !keyPattern.MatchString(s.Kind.Name) {
		t.Errorf("Kind.Name is %q: want a YAML key, as in `modbus: tcp`", s.Kind.Name)
	}
	if s.Kind.Doc == "" || strings.Contains(s.Kind.Doc, "\n") {
		t.Errorf("Kind.Doc is %q: want one line", s.Kind.Doc)
	}
	if !slices.Contains(keysOf(s.Kind.New()), s.Kind.Name) {
		t.Errorf("a connection has no key %q, the one that names the kind", s.Kind.Name)
	}
}

// settings gives the three structs of a kind, fresh.
func settings(k adapters.Kind) map[string]any {
	c := k.New()
	d := c.NewDevice()
	return map[string]any{"connection": c, "device": d, "point": d.NewPoint()}
}

func keysAreWellFormed(t testing.TB, s Suite) {
	words := map[string][]string{"connection": connectionWords, "device": deviceWords, "point": pointWords}
	for what, v := range settings(s.Kind) {
		typ := reflect.TypeOf(v)
		if typ.Kind() != reflect.Pointer || typ.Elem().Kind() != reflect.Struct {
			t.Errorf("the %s is a %s: want a pointer to a struct", what, typ)
			continue
		}
		k := keys{seen: map[string]bool{}, words: words[what]}
		k.walk(what, typ.Elem())
		for _, wrong := range k.wrong {
			t.Errorf("%s", wrong)
		}
	}
}

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// keys walks one struct of settings and notes what no YAML could be decoded into.
type keys struct {
	seen  map[string]bool
	words []string
	wrong []string
}

func (k *keys) note(format string, args ...any) {
	k.wrong = append(k.wrong, fmt.Sprintf(format, args...))
}

func (k *keys) walk(where string, typ reflect.Type) {
	for f := range fields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		at := where + "." + f.Name
		switch {
		case options == "inline" && f.Type.Kind() == reflect.Struct:
			k.walk(at, f.Type)
		case name == "-":
		case !f.IsExported():
			k.note("%s has a yaml tag and is not exported: it can't be set", at)
		case !keyPattern.MatchString(name):
			k.note("%s has the yaml key %q: want lower case, digits and _", at, name)
		case k.seen[name]:
			k.note("%s: the key %q is there twice", at, name)
		case slices.Contains(k.words, name):
			k.note("%s: the key %q is the gateway's own and never gets here", at, name)
		default:
			k.seen[name] = true
			k.decodable(at, f.Type)
		}
		if required, ok := f.Tag.Lookup("required"); ok && required != "true" {
			k.note("%s: required:%q means nothing: want \"true\"", at, required)
		}
	}
}

// decodable holds to the types that package adapters allows for settings.
func (k *keys) decodable(at string, typ reflect.Type) {
	if typ == reflect.TypeFor[time.Duration]() || reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return
	}
	switch typ.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	case reflect.Slice, reflect.Array, reflect.Pointer:
		k.decodable(at+"[]", typ.Elem())
	case reflect.Map:
		k.decodable(at+" key", typ.Key())
		k.decodable(at+" value", typ.Elem())
	case reflect.Struct:
		inner := keys{seen: map[string]bool{}}
		inner.walk(at, typ)
		k.wrong = append(k.wrong, inner.wrong...)
	default:
		k.note("%s is a %s: YAML can't be decoded into it", at, typ)
	}
}

// fields are those of a struct that settings are made of: exported or tagged.
func fields(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range typ.Fields() {
			if _, tagged := f.Tag.Lookup("yaml"); !tagged && !f.IsExported() {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}

// keysOf lists the keys of a struct of settings, those of inlined structs with them.
func keysOf(v any) []string {
	typ := reflect.TypeOf(v)
	if typ == nil || typ.Kind() != reflect.Pointer || typ.Elem().Kind() != reflect.Struct {
		return nil
	}
	return keysOfType(typ.Elem())
}

func keysOfType(typ reflect.Type) []string {
	var names []string
	for f := range fields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" && f.Type.Kind() == reflect.Struct {
			names = append(names, keysOfType(f.Type)...)
		} else if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func defaultsAreIndependent(t testing.TB, s Suite) {
	one, two := settings(s.Kind), settings(s.Kind)
	c := s.Kind.New()
	d := c.NewDevice()
	one["device of one connection"], two["device of one connection"] = c.NewDevice(), c.NewDevice()
	one["point of one device"], two["point of one device"] = d.NewPoint(), d.NewPoint()
	for what := range one {
		if at := shared(what, reflect.ValueOf(one[what]), reflect.ValueOf(two[what])); at != "" {
			t.Errorf("%s: two sets of defaults share it; what is decoded into one shows in the other", at)
		}
	}
}

// shared finds memory that two values have in common, in what is decoded into; "" when there is none.
func shared(at string, a, b reflect.Value) string {
	switch a.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if a.IsNil() || b.IsNil() || a.Kind() == reflect.Slice && a.Cap() == 0 {
			return ""
		}
		if a.Pointer() == b.Pointer() {
			return at
		}
		if a.Kind() == reflect.Pointer {
			return shared(at, a.Elem(), b.Elem())
		}
	case reflect.Struct:
		for f := range fields(a.Type()) {
			if found := shared(at+"."+f.Name, a.FieldByIndex(f.Index), b.FieldByIndex(f.Index)); found != "" {
				return found
			}
		}
	}
	return ""
}

func mistakesAreNamed(t testing.TB, s Suite) {
	if len(s.Mistakes) == 0 {
		t.Fatalf("the suite has no Mistakes: give settings with two wrong keys at least")
	}
	for _, m := range s.Mistakes {
		named := map[string]bool{}
		for _, err := range leaves(m.Settings.Validate()) {
			var ke *adapters.KeyError
			if !errors.As(err, &ke) || ke.Err == nil {
				t.Errorf("%T: %q is no KeyError: nobody can say where it is", m.Settings, err)
				continue
			}
			named[ke.Key] = true
			first, _, _ := strings.Cut(strings.ReplaceAll(ke.Key, "[", "."), ".") // frame.length, bits[3]
			if ke.Key != "" && !slices.Contains(keysOf(m.Settings), first) {
				t.Errorf("%T: the mistake is in %q, which is no key of it", m.Settings, ke.Key)
			}
		}
		if len(m.Keys) < 2 {
			t.Errorf("%T: give a Mistake in two keys at least, to see that they are joined", m.Settings)
		}
		for _, key := range m.Keys {
			if !named[key] {
				t.Errorf("%T: Validate does not name the mistake in %q; it names %v", m.Settings, key, named)
			}
		}
	}
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}

func rigIsValid(t testing.TB, s Suite) {
	rig := s.Start(t)
	if err := rig.Connection.Validate(); err != nil {
		t.Errorf("the rig's connection is not valid: %v", err)
	}
	for _, e := range rig.Points {
		if err := e.Point.Spec.Validate(); err != nil {
			t.Errorf("%s is not valid: %v", e.Point.Name, err)
		}
		if e.Point.Spec.String() == "" {
			t.Errorf("%s does not say where it is: Spec.String is empty", e.Point.Name)
		}
	}
}
