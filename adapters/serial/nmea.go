package serial

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// nmea0183 is the protocol of receivers, compasses, echo sounders and weather stations aboard: NMEA 0183, IEC 61162-1.
//
//	$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A
//
// Two letters say who talks, three what it says; fields are counted from 1. The checksum is the exclusive or of what stands between
// $ and *. It is optional in the standard and required here: without it a garbled digit is a wrong value.
const nmea0183 = "nmea0183"

var nmeaFrame = Frame{Start: "$", End: "\r\n", Checksum: "nmea"}

// place is where in a sentence a named value stands.
type place struct {
	field int
	kind  string // how it is read; empty: a number. coordinate: with the field behind it, N S E W
}

// coordinate is degrees and minutes with the hemisphere in the field behind: ddmm.mmmm,N.
const coordinate = "coordinate"

// nmeaPlaces are the values that have a name, by sentence (IEC 61162-1, approved sentences; as makers' public manuals list them). Any other
// is asked for by its number: XDR.2.
var nmeaPlaces = map[string]map[string]place{
	"RMC": {"time": {1, "string"}, "status": {2, "string"}, "latitude": {3, coordinate}, "longitude": {5, coordinate}, "speed": {field: 7},
		"course": {field: 8}, "date": {9, "string"}, "variation": {10, "bearing"}, "mode": {12, "string"}},
	"GGA": {"time": {1, "string"}, "latitude": {2, coordinate}, "longitude": {4, coordinate}, "quality": {6, "int64"}, "satellites": {7, "int64"},
		"hdop": {field: 8}, "altitude": {field: 9}, "separation": {field: 11}, "age": {field: 13}, "station": {14, "string"}},
	"GLL": {"latitude": {1, coordinate}, "longitude": {3, coordinate}, "time": {5, "string"}, "status": {6, "string"}, "mode": {7, "string"}},
	"VTG": {"course": {field: 1}, "course_magnetic": {field: 3}, "speed": {field: 5}, "speed_kmh": {field: 7}, "mode": {9, "string"}},
	"GSA": {"selection": {1, "string"}, "fix": {2, "int64"}, "pdop": {field: 15}, "hdop": {field: 16}, "vdop": {field: 17}},
	"ZDA": {"time": {1, "string"}, "day": {2, "int64"}, "month": {3, "int64"}, "year": {4, "int64"}},
	"HDT": {"heading": {field: 1}},
	"HDM": {"heading": {field: 1}},
	"HDG": {"heading": {field: 1}, "deviation": {2, "bearing"}, "variation": {4, "bearing"}},
	"ROT": {"rate": {field: 1}, "status": {2, "string"}},
	"RSA": {"rudder": {field: 1}, "status": {2, "string"}},
	"DBT": {"depth_feet": {field: 1}, "depth": {field: 3}},
	"DPT": {"depth": {field: 1}, "offset": {field: 2}},
	"VHW": {"heading": {field: 1}, "heading_magnetic": {field: 3}, "speed": {field: 5}, "speed_kmh": {field: 7}},
	"MTW": {"temperature": {field: 1}},
	"MTA": {"temperature": {field: 1}},
	"MWV": {"angle": {field: 1}, "reference": {2, "string"}, "speed": {field: 3}, "unit": {4, "string"}, "status": {5, "string"}},
	"MWD": {"direction": {field: 1}, "direction_magnetic": {field: 3}, "speed_knots": {field: 5}, "speed": {field: 7}},
}

// voids says where a sentence tells that what it measures is not valid, and by what: the receiver has no fix, the sensor failed.
var voids = map[string]struct {
	field int
	by    string
}{"RMC": {2, "V"}, "GLL": {6, "V"}, "ROT": {2, "V"}, "RSA": {2, "V"}, "MWV": {5, "V"}, "GGA": {6, "0"}, "VTG": {9, "N"}}

// alwaysTold are the values that a void sentence tells all the same.
var alwaysTold = map[string]bool{"time": true, "date": true, "status": true, "mode": true, "quality": true, "satellites": true}

// sentences takes NMEA 0183 apart.
type sentences struct{ of []sentenceField }

// sentenceField is one value that a point asks for.
type sentenceField struct {
	talker, sentence string // talker empty: whoever says it
	place
	told bool // in a void sentence, too
}

var nmeaAt = regexp.MustCompile(`^(?:([A-OQ-Z][A-Z])?([A-Z]{3})|(P[A-Z]{3}[A-Z0-9]*))\.([a-z_]+|[1-9][0-9]?)$`)

// group reads RMC.speed, GPRMC.7, PGRME.1.
func (s *sentences) group(at string) (group, error) {
	m := nmeaAt.FindStringSubmatch(at)
	if m == nil {
		return group{}, fmt.Errorf("%q is no value of a sentence: write RMC.speed, or RMC.7 for its seventh field", at)
	}
	f := sentenceField{talker: m[1], sentence: m[2] + m[3], told: alwaysTold[m[4]]}
	if n, err := strconv.Atoi(m[4]); err == nil {
		f.place = place{field: n}
	} else if f.place = nmeaPlaces[f.sentence][m[4]]; f.field == 0 {
		return group{}, fmt.Errorf("%s has no value named %q: %s", f.sentence, m[4], nmeaNames(f.sentence))
	}
	s.of = append(s.of, f)
	return group{number: len(s.of), kind: f.kind, empty: telemetry.BadSensorFailure}, nil
}

func nmeaNames(sentence string) string {
	if nmeaPlaces[sentence] == nil {
		return "none of it has a name here; write its number, as in " + sentence + ".1"
	}
	var names []string
	for name := range nmeaPlaces[sentence] {
		names = append(names, name)
	}
	sort.Strings(names)
	return "it has " + strings.Join(names, " ")
}

// find takes any sentence that one of the points asks for. A value that the sentence does not hold, or says to be void, is empty.
func (s *sentences) find(text string) []int {
	address, fields := cutSentence(text)
	talker, sentence := "", address
	if len(address) == 5 && address[0] != 'P' {
		talker, sentence = address[:2], address[2:]
	}
	void := isVoid(sentence, text, fields)
	at, ours := make([]int, 2+2*len(s.of)), false
	at[1] = len(text)
	for i, f := range s.of {
		from, to := -1, -1
		if f.sentence == sentence && (f.talker == "" || f.talker == talker) {
			ours, from, to = true, len(text), len(text)
			if !void || f.told {
				from, to = f.within(text, fields)
			}
		}
		at[2+2*i], at[3+2*i] = from, to
	}
	if !ours {
		return nil
	}
	return at
}

// cutSentence gives what is said, and where each field stands; fields[0] is the address.
func cutSentence(text string) (address string, fields []span) {
	begin := 0
	for at := range len(text) + 1 {
		if at == len(text) || text[at] == ',' {
			fields = append(fields, span{begin, at})
			begin = at + 1
		}
	}
	return strings.TrimPrefix(text[:fields[0].end], "$"), fields
}

// within is where the value stands; a coordinate and a bearing reach over the field behind them.
func (f sentenceField) within(text string, fields []span) (from, to int) {
	last := f.field
	if f.kind == coordinate || f.kind == "bearing" {
		last++
	}
	if last >= len(fields) || fields[f.field].first == fields[f.field].end {
		return len(text), len(text)
	}
	return fields[f.field].first, fields[last].end
}

func isVoid(sentence, text string, fields []span) bool {
	v, ok := voids[sentence]
	return ok && v.field < len(fields) && text[fields[v.field].first:fields[v.field].end] == v.by
}

// degrees reads a coordinate: 4807.038,N is 48 degrees and 7.038 minutes north.
func degrees(text string) (telemetry.Value, error) {
	digits, side, _ := strings.Cut(text, ",")
	whole, _, _ := strings.Cut(digits, ".")
	most := map[string]float64{"N": 90, "S": 90, "E": 180, "W": 180}[side]
	if len(whole) < 3 || most == 0 || strings.Trim(digits, "0123456789.") != "" {
		return telemetry.Value{}, fmt.Errorf("%q is no coordinate", text)
	}
	deg, err := strconv.ParseUint(whole[:len(whole)-2], 10, 16)
	minutes, err2 := strconv.ParseFloat(digits[len(whole)-2:], 64)
	v := float64(deg) + minutes/60
	if err != nil || err2 != nil || minutes >= 60 || v > most {
		return telemetry.Value{}, fmt.Errorf("%q is no coordinate", text)
	}
	if side == "S" || side == "W" {
		v = -v
	}
	return telemetry.Float64(v), nil
}

// bearing reads degrees to the east or, negative, to the west: 003.1,W.
func bearing(text string) (telemetry.Value, error) {
	digits, side, _ := strings.Cut(text, ",")
	v, err := float(digits)
	switch {
	case err != nil:
		return v, err
	case side == "W":
		return negated(v), nil
	case side != "E":
		return telemetry.Value{}, fmt.Errorf("%q is neither east nor west", text)
	}
	return v, nil
}
