package modbus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
)

// planned writes the requests of a plan as hr:0+10: ten registers from 0.
func planned(t *testing.T, change func(*Device), specs ...string) string {
	t.Helper()
	d := (&Connection{Modbus: TCP}).NewDevice().(*Device)
	if change != nil {
		change(d)
	}
	var points []adapters.Point
	for _, s := range specs {
		at, kind, _ := strings.Cut(s, " ")
		p := d.NewPoint().(*Point)
		if err := p.At.UnmarshalText([]byte(at)); err != nil {
			t.Fatal(err)
		}
		if kind != "" {
			if err := p.Type.UnmarshalText([]byte(kind)); err != nil {
				t.Fatal(err)
			}
		}
		points = append(points, adapters.Point{Spec: p})
	}
	_, places, _, _, err := placed(points, new(sunMap).resolve)
	if err != nil {
		t.Fatal(err)
	}
	spans, _ := newKnowledge(d.connection.startingPrice()).plan(d, places)
	var all []string
	for _, s := range spans {
		all = append(all, fmt.Sprintf("%s+%d", Address{Table: s.table, Number: uint16(s.start)}, s.end-s.start))
	}
	return strings.Join(all, " ")
}

func TestPlans(t *testing.T) {
	gap := func(n int) func(*Device) { return func(d *Device) { d.Gap = n } }
	block := func(n int) func(*Device) { return func(d *Device) { d.MaxBlock = n } }
	var meter, coils []string
	for i := range 300 {
		meter = append(meter, fmt.Sprintf("ir:%d float32", 2*i))
	}
	for i := range 2500 {
		coils = append(coils, fmt.Sprintf("co:%d", i))
	}
	for _, c := range []struct {
		story  string
		device func(*Device)
		points []string
		want   string
	}{
		{"one register", nil, []string{"hr:7"}, "hr:7+1"},
		{"neighbours are one request", nil, []string{"hr:0", "hr:1", "hr:2"}, "hr:0+3"},
		{"in whatever order they are written", nil, []string{"hr:2", "hr:0 float32"}, "hr:0+3"},
		{"a register nobody needs costs less than a request", nil, []string{"hr:0", "hr:2", "hr:120"}, "hr:0+121"},
		{"it parts them where none may be read that nobody needs", gap(0), []string{"hr:0", "hr:2"}, "hr:0+1 hr:2+1"},
		{"unless a gap is allowed", gap(1), []string{"hr:0", "hr:2"}, "hr:0+3"},
		{"and it is no wider", gap(1), []string{"hr:0", "hr:3"}, "hr:0+1 hr:3+1"},
		{"a wide value closes a gap", nil, []string{"hr:0 uint64", "hr:4"}, "hr:0+5"},
		{"two points in one place", nil, []string{"hr:5 float32", "hr:5", "hr:6"}, "hr:5+2"},
		{"a value inside another", nil, []string{"hr:0 uint64", "hr:1", "hr:4"}, "hr:0+5"},
		{"tables do not mix", nil, []string{"hr:0", "ir:1", "co:2", "di:3", "hr:1"}, "hr:0+2 ir:1+1 co:2+1 di:3+1"},
		{"300 floats, never cut in two", nil, meter, "ir:0+124 ir:124+124 ir:248+124 ir:372+124 ir:496+104"},
		{"a device that gives few at a time", block(10), []string{"hr:0 uint64", "hr:4 uint64", "hr:8 uint64"}, "hr:0+8 hr:8+4"},
		{"a value wider than max_block is read alone", block(2), []string{"hr:0", "hr:1 uint64"}, "hr:0+1 hr:1+4"},
		{"bits go by the thousand", nil, coils, "co:0+2000 co:2000+500"},
		{"the last register", nil, []string{"hr:0xFFFF", "hr:0xFFFE"}, "hr:65534+2"},
	} {
		if got := planned(t, c.device, c.points...); got != c.want {
			t.Errorf("%s: %s; want %s", c.story, got, c.want)
		}
	}
}

func TestHalvesPartBetweenAddresses(t *testing.T) {
	at := func(starts ...int) (places []place) {
		for _, s := range starts {
			places = append(places, place{stretch: stretch{s, s + 1}})
		}
		return places
	}
	for _, c := range []struct {
		starts []int
		want   string
	}{
		{[]int{0, 1, 2, 3}, "0+2 2+2"}, {[]int{0, 5}, "0+1 5+1"}, {[]int{0, 0, 0, 9}, "0+1 9+1"}, {[]int{0, 9, 9, 9}, "0+1 9+1"},
		{[]int{4}, ""}, {[]int{4, 4, 4}, ""},
	} {
		low, high, ok := newSpan(Holding, at(c.starts...)).halves()
		got := ""
		if ok {
			got = fmt.Sprintf("%d+%d %d+%d", low.start, low.end-low.start, high.start, high.end-high.start)
		}
		if got != c.want {
			t.Errorf("%v: %q; want %q", c.starts, got, c.want)
		}
	}
}
