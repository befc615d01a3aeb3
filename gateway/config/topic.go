package config

import (
	"fmt"
	"slices"
	"strings"
)

// Topic is the template of an MQTT topic: literal text with {gateway}, {site}, {device} and {point} in it.
type Topic string

var topicFields = []string{"{gateway}", "{site}", "{device}", "{point}"}

// check says what is wrong with it; may are the fields that it may have, without braces.
func (t Topic) check(may ...string) error {
	rest := string(t)
	for _, f := range topicFields {
		if strings.Contains(rest, f) && !slices.Contains(may, f[1:len(f)-1]) {
			return fmt.Errorf("%s cannot stand in it", f)
		}
		rest = strings.ReplaceAll(rest, f, "x")
	}
	switch {
	case rest == "" || strings.ContainsAny(rest, "{}"):
		return fmt.Errorf("it is made of text and of {%s}", strings.Join(may, "}, {"))
	case strings.ContainsAny(rest, "+#\x00"):
		return fmt.Errorf("+ and # stand in filters only")
	case strings.HasPrefix(rest, "$") && !strings.HasPrefix(rest, "$aws/rules/"):
		return fmt.Errorf("topics that begin with $ are the broker's own")
	}
	return nil
}

// Has reports whether a field is in it.
func (t Topic) Has(field string) bool { return strings.Contains(string(t), "{"+field+"}") }

// Of fills it in.
func (t Topic) Of(gateway, site, device, point string) string {
	return strings.NewReplacer("{gateway}", gateway, "{site}", site, "{device}", device, "{point}", point).Replace(string(t))
}
