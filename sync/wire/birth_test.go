package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func aBirth() Birth {
	return Birth{
		Gateway: "plant7-line2", Version: "0.1.0", Site: "plant7", Started: time.Date(2026, 11, 22, 19, 57, 0, 123456789, time.UTC),
		Devices: []BirthDevice{{
			Name: "press", Connection: "press_plc", Kind: "modbus", Tags: map[string]string{"area": "hall-B"},
			Points: []BirthPoint{
				{Name: "oil_temp", Unit: "°C", Type: "int16", ScanMS: 1000, Access: "r", Where: "hr:100", Range: &BirthRange{Min: -40, Max: 150}},
				{Name: "state", Type: "uint16", ScanMS: 200, Where: "hr:120", Enum: map[int64]string{0: "stopped", -1: "fault"}},
			},
		}, {Name: "meter_01", Connection: "meterbus", Kind: "modbus"}},
	}
}

func TestBirthComesBack(t *testing.T) {
	data, err := EncodeBirth(aBirth())
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeBirth(data)
	if err != nil || !reflect.DeepEqual(got, aBirth()) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

func TestBadBirthsAreRefused(t *testing.T) {
	z := newCompressor(Balanced)
	frame := func(text string) []byte { return z.EncodeAll([]byte(text), nil) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"no zstd":        {[]byte(`{"gateway":"a"}`), "no zstd frame"},
		"no JSON":        {frame("gateway"), "invalid character"},
		"a bomb":         {z.EncodeAll(make([]byte, MaxBirth+1), nil), "at most"},
		"many items":     {frame(`{"devices":[` + strings.Repeat("{},", maxBirthItems+1) + `{}]}`), "items"},
		"a foreign name": {frame(`{"gateway":"../x"}`), "name"},
	} {
		if _, err := DecodeBirth(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func FuzzDecodeBirth(f *testing.F) {
	seed, err := EncodeBirth(aBirth())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBirth(data)
		if err != nil {
			return
		}
		again, err := EncodeBirth(b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeBirth(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, _ := EncodeBirth(back); !bytes.Equal(again, third) {
			t.Fatalf("%+v came back as %+v", b, back)
		}
	})
}
