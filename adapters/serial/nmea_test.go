package serial

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// gps is a device that speaks NMEA 0183, with points at these places.
func gps(t testing.TB, at ...string) *plan {
	t.Helper()
	d := (&Connection{}).NewDevice().(*Device)
	d.Protocol = nmea0183
	var points []adapters.Point
	for i, place := range at {
		spec := d.NewPoint().(*Spec)
		spec.At = place
		points = append(points, adapters.Point{ID: telemetry.PointID(i), Device: "gps", Name: place, Spec: spec})
	}
	p, err := planned(points)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// say hears lines, and gives what was read of each point at last.
func (p *plan) say(lines string) map[telemetry.PointID]telemetry.Sample {
	got := map[telemetry.PointID]telemetry.Sample{}
	s := NewScanner(p.device.framing(), p.device.MaxFrame, func(body []byte) bool {
		f, ok := p.read(body)
		for _, fd := range p.fields {
			if ok && fd.has(f) {
				got[fd.point] = fd.sample(f, time.Unix(1, 0))
			}
		}
		return ok
	})
	s.Feed([]byte(lines))
	return got
}

const (
	rmc     = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"
	rmcVoid = "$GPRMC,123519,V,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*7D\r\n"
	gga     = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
	ggaNone = "$GNGGA,,,,,,0,00,99.99,,,,,,*56\r\n"
)

func TestSentencesOfNMEA(t *testing.T) {
	number, text, whole := telemetry.Float64, telemetry.String, telemetry.Int64
	for _, c := range []struct {
		said, at string
		want     telemetry.Value
	}{
		{rmc, "RMC.speed", number(22.4)}, {rmc, "RMC.course", number(84.4)}, {rmc, "RMC.latitude", number(48 + 7.038/60)}, {rmc, "RMC.longitude", number(11 + 31.0/60)},
		{rmc, "RMC.variation", number(-3.1)}, {rmc, "RMC.time", text("123519")}, {rmc, "RMC.status", text("A")}, {rmc, "RMC.7", number(22.4)}, {rmc, "GPRMC.speed", number(22.4)},
		{gga, "GGA.quality", whole(1)}, {gga, "GGA.satellites", whole(8)}, {gga, "GGA.altitude", number(545.4)}, {gga, "GGA.hdop", number(0.9)},
		{rmcVoid, "RMC.status", text("V")}, {rmcVoid, "RMC.date", text("230394")}, {ggaNone, "GGA.quality", whole(0)}, {ggaNone, "GGA.satellites", whole(0)},
		{"$PGRME,15.0,M,45.0,M,25.0,M*1C\r\n", "PGRME.3", number(45)},
		{"$GPGLL,3751.65,S,14507.36,E,225444,A*37\r\n", "GLL.latitude", number(-(37 + 51.65/60))},
		{"$IIMWV,214.8,R,0.1,K,A*36\r\n", "MWV.angle", number(214.8)},
		{"$SDDPT,2.4,0.3*52\r\n", "DPT.depth", number(2.4)},
	} {
		if got, ok := gps(t, c.at).say(c.said)[0]; !ok || got.Quality != telemetry.Good || got.Value != c.want {
			t.Errorf("%s of %s is %v (%s), %v; want %v", c.at, strings.TrimSpace(c.said), got.Value, got.Quality, ok, c.want)
		}
	}
}

// TestASentenceWithoutAFixIsNoPosition: what the receiver itself calls void, or leaves empty, is bad and no old value.
func TestASentenceWithoutAFixIsNoPosition(t *testing.T) {
	for said, places := range map[string][]string{
		rmcVoid: {"RMC.latitude", "RMC.longitude", "RMC.speed", "RMC.course", "RMC.7"},
		ggaNone: {"GGA.latitude", "GGA.altitude", "GGA.time", "GGA.hdop", "GGA.14"},
	} {
		for _, at := range places {
			if got, ok := gps(t, at).say(said)[0]; !ok || got.Quality != telemetry.BadSensorFailure || !got.Value.IsNone() {
				t.Errorf("%s of %s is %v (%s), %v; want bad: sensor failure", at, strings.TrimSpace(said), got.Value, got.Quality, ok)
			}
		}
	}
}

func TestWhatIsNoSentenceOfOursIsNotTaken(t *testing.T) {
	for what, said := range map[string]string{
		"a digit changed":       strings.Replace(rmc, "022.4", "092.4", 1),
		"no checksum":           "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W\r\n",
		"another talker":        strings.Replace(strings.Replace(rmc, "$GP", "$GL", 1), "*6A", "*76", 1),
		"cut off by another":    "$GPRMC,123519,A,48" + gga,
		"another of its fields": gga,
	} {
		if got := gps(t, "GPRMC.speed").say(said); len(got) > 0 {
			t.Errorf("%s: %v", what, got)
		}
	}
	if got := gps(t, "RMC.speed").say("$GPRMC,123519,A,48" + rmc); got[0].Value != telemetry.Float64(22.4) {
		t.Errorf("behind half a sentence: %v", got)
	}
}

func TestCoordinates(t *testing.T) {
	for text, want := range map[string]float64{"0000.000,N": 0, "9000.0,S": -90, "18000,W": -180, "00030.5,E": 0.5 + 0.5/60} {
		if got, err := degrees(text); err != nil || got != telemetry.Float64(want) {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", ",", "4807.038", "4807.038,", "4807.038,X", "4860.0,N", "9100.0,N", "9000.1,N", "18001.0,E", "-4807,N", "07,N", ".5,N", "1e10,N", "48 07,N", "4.807,N"} {
		if got, err := degrees(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	for at, says := range map[string]string{
		"RMC.sped": "it has course date latitude", "XDR.angle": "XDR.1", "rmc.speed": "RMC.speed", "RMC": "RMC.speed", "RMC.0": "RMC.speed", "RMC.speed.x": "RMC.speed",
	} {
		if _, err := (&sentences{}).group(at); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; it should say %q", at, err, says)
		}
	}
}

// TestFixedFields: without an expression values stand in fixed bytes, whatever the bytes are.
func TestFixedFields(t *testing.T) {
	d := (&Connection{}).NewDevice().(*Device)
	d.Frame = Frame{Start: "\x02", Length: 9, Checksum: "crc16-kermit"}
	at := func(place string, bit int) adapters.Point {
		s := d.NewPoint().(*Spec)
		s.At, s.Bit = place, bit
		return adapters.Point{Spec: s}
	}
	weight, high := at("2..6", noBit), at("1", 7)
	high.ID = 1
	p, err := planned([]adapters.Point{weight, high})
	if err != nil {
		t.Fatal(err)
	}
	body := "\x02\x80 12.5"
	got := p.say(body + string(crcKermit([]byte(body))))
	if got[0].Value != telemetry.Float64(12.5) || got[1].Value != telemetry.Bool(true) {
		t.Errorf("%v", got)
	}
	for _, place := range []string{"", "gross", "5..3", "-1", "3..", "..4", "0x3", "1..99999"} {
		if _, err := (&positions{}).group(place); err == nil {
			t.Errorf("%q is taken for a place", place)
		}
	}
}

func FuzzSentences(f *testing.F) {
	for _, s := range []string{rmc, rmcVoid, gga, ggaNone, "$", "$,", "$GPRMC", "$PGRME,15.0"} {
		f.Add(strings.TrimRight(s, "\r\n"))
	}
	p := gps(f, "RMC.latitude", "GGA.altitude", "HDG.variation", "PGRME.1", "GLL.longitude")
	f.Fuzz(func(t *testing.T, said string) {
		frame, ok := p.read([]byte(said))
		for _, fd := range p.fields {
			if !ok || !fd.has(frame) {
				continue
			}
			if s := fd.sample(frame, time.Unix(1, 0)); s.Quality.IsBad() != s.Value.IsNone() {
				t.Errorf("%q gives %v", said, s)
			}
		}
	})
}
