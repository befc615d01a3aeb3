package shadow

import (
	"errors"
	"fmt"
)

// Bounds of the names, in bytes.
const (
	MaxThing = 128
	MaxName  = 64
)

// ErrName is what every error about a thing's or a shadow's name wraps.
var ErrName = errors.New("use letters, digits, colon, underscore and hyphen")

// ID says which shadow: a thing's, by name. The classic shadow has no name.
type ID struct {
	Thing string
	Name  string
}

// Validate says whether the names may stand in a topic.
func (id ID) Validate() error {
	if err := checkName("thing", id.Thing, MaxThing); err != nil {
		return err
	}
	if id.Name == "" {
		return nil
	}
	return checkName("shadow", id.Name, MaxName)
}

// label is the name AWS puts into "No shadow exists with name": the classic shadow goes by its thing's.
func (id ID) label() string {
	if id.Name == "" {
		return id.Thing
	}
	return id.Name
}

func (id ID) String() string {
	if id.Name == "" {
		return id.Thing
	}
	return id.Thing + "/" + id.Name
}

func checkName(what, name string, maxBytes int) error {
	if len(name) == 0 || len(name) > maxBytes {
		return fmt.Errorf("%s name of %d bytes, must be 1 to %d: %w", what, len(name), maxBytes, ErrName)
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return fmt.Errorf("%s name %q: %w", what, name, ErrName)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ':' || c == '_' || c == '-'
}
