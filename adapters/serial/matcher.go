package serial

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// matcher takes a device's frames apart into groups. One is made for a plan, and asked for the groups of its points first.
type matcher interface {
	group(at string) (group, error)
	// find says where in a frame the groups stand, two places each, -1 for one that the frame has not; nil when the frame is not
	// one of the device's.
	find(text string) []int
}

// group is what a point may name in `at`.
type group struct {
	number int               // in what find gives
	kind   string            // the type it is read as unless the point says otherwise; empty: float64
	empty  telemetry.Quality // what an empty text means; Good: it is a text as any other
}

// matcher is how the device's frames are taken apart.
func (d *Device) matcher() (matcher, error) {
	switch {
	case d.Protocol == nmea0183:
		return &sentences{}, nil
	case d.Match == "":
		return &positions{}, nil
	}
	re, err := regexp.Compile(d.Match)
	return expression{re}, err
}

// expression is a regular expression whose named groups are values.
type expression struct{ *regexp.Regexp }

func (e expression) group(at string) (group, error) {
	if n := e.SubexpIndex(at); n > 0 {
		return group{number: n}, nil
	}
	return group{}, fmt.Errorf("match has no group %q: it has %s", at, strings.Join(e.names(), " "))
}

func (e expression) names() (names []string) {
	for _, name := range e.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (e expression) find(text string) []int { return e.FindStringSubmatchIndex(text) }

// positions are values that always stand in the same bytes of a frame: "3..8", "5".
type positions struct{ of []span }

// span is from the first byte to before the end, the first of the frame being 0.
type span struct{ first, end int }

func (p *positions) group(at string) (group, error) {
	first, last, ok := strings.Cut(at, "..")
	if !ok {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err != nil || err2 != nil || from > to || to >= largestFrame {
		return group{}, fmt.Errorf("%q is no place in a frame: without match it is from which byte to which, as in 3..8", at)
	}
	p.of = append(p.of, span{int(from), int(to) + 1})
	return group{number: len(p.of)}, nil
}

// find takes a frame that has all of the bytes.
func (p *positions) find(text string) []int {
	at := make([]int, 2+2*len(p.of))
	at[1] = len(text)
	starts := byteStarts(text)
	for i, s := range p.of {
		if s.end >= len(starts) {
			return nil
		}
		at[2+2*i], at[3+2*i] = starts[s.first], starts[s.end]
	}
	return at
}

// byteStarts is where the character of each of the frame's bytes begins in its text, and where the text ends.
func byteStarts(text string) []int {
	starts := make([]int, 0, utf8.RuneCountInString(text)+1)
	for at := range text {
		starts = append(starts, at)
	}
	return append(starts, len(text))
}
