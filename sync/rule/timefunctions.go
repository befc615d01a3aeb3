package rule

import (
	"time"
)

var timeFunctions = map[string]function{
	"parse_time":    {min: 2, max: 3, call: parseTime},
	"time_to_epoch": {min: 2, max: 2, call: timeToEpoch},
	"timestamp":     {message: true, call: func(e *env, _ []Value) Value { return whole(e.now / int64(time.Millisecond)) }},
}

// parseTime writes a time, given in milliseconds since 1970, as a pattern of Joda's letters says.
func parseTime(e *env, a []Value) Value {
	layout, zone := toString(a[0]), time.UTC
	ms, ok := toNumber(a[1])
	if len(a) == 3 {
		name := toString(a[2])
		loaded, err := time.LoadLocation(name.text)
		if name.kind != String || err != nil {
			return Value{}
		}
		zone = loaded
	}
	if ms = rounded(ms, down); !ok || layout.kind != String || ms.form != exact || len(layout.text) > maxPattern {
		return Value{}
	}
	e.charge(len(layout.text))
	written, ok := formatTime(layout.text, time.UnixMilli(int64(ms.bits)).In(zone))
	if !ok {
		return Value{}
	}
	return text(written)
}

// timeToEpoch reads a time as a pattern of the JDK's letters says, and gives milliseconds since 1970. Without a zone it is UTC.
func timeToEpoch(e *env, a []Value) Value {
	s, layout := toString(a[0]), toString(a[1])
	if s.kind != String || layout.kind != String || len(layout.text) > maxPattern || len(s.text) > maxPattern {
		return Value{}
	}
	e.charge(len(layout.text) + len(s.text))
	at, ok := readTime(layout.text, s.text)
	if !ok {
		return Value{}
	}
	return whole(at.UnixMilli())
}
