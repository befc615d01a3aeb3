package modbus_test

import (
	"strings"
	"testing"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

func TestAddressesInEveryNotation(t *testing.T) {
	for text, want := range map[string]string{
		"hr:104":    "hr:104 = 40105 = 0x0068",
		"40105":     "hr:104 = 40105 = 0x0068",
		"400105":    "hr:104 = 40105 = 0x0068",
		"hr:0x68":   "hr:104 = 40105 = 0x0068",
		"HR:104":    "hr:104 = 40105 = 0x0068",
		"40001":     "hr:0 = 40001 = 0x0000",
		"465536":    "hr:65535 = 465536 = 0xFFFF",
		"ir:5":      "ir:5 = 30006 = 0x0005",
		"30006":     "ir:5 = 30006 = 0x0005",
		"di:0":      "di:0 = 10001 = 0x0000",
		"10001":     "di:0 = 10001 = 0x0000",
		"co:16":     "co:16 = 00017 = 0x0010",
		"00017":     "co:16 = 00017 = 0x0010",
		"000017":    "co:16 = 00017 = 0x0010",
		"hr:010":    "hr:10 = 40011 = 0x000A",
		"hr:9998":   "hr:9998 = 49999 = 0x270E",
		"hr:9999":   "hr:9999 = 410000 = 0x270F",
		"hr:12000":  "hr:12000 = 412001 = 0x2EE0",
		"hr:40000":  "hr:40000 = 440001 = 0x9C40", // where SunSpec begins
		"hr:0x9C85": "hr:40069 = 440070 = 0x9C85",
	} {
		got, err := modbus.ParseAddress(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got.Notations() != want {
			t.Errorf("%s is %s; want %s", text, got.Notations(), want)
		}
	}
}

func TestWrongAddressesSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"104":        "104 does not say in which table (write hr:104 (counted from 0, the same as 40105)",
		"di:40001":   "40001 with di: mixes two notations (write di:0 or 10001)",
		"hr:40105":   "40105 with hr: mixes two notations (write hr:104 or 40105; if 40105 counts from 0, write hr:0x9CA9)",
		"di:10001":   "10001 with di: mixes two notations (write di:0 or 10001; if 10001 counts from 0, write di:0x2711)",
		"hr:400105":  "400105 with hr: mixes two notations (write hr:104 or 40105)",
		"co:00017":   "00017 with co: mixes two notations (write co:16 or 00017",
		"20001":      "20001 begins with 2, which is no table of Modicon's",
		"40000":      "40000: Modicon's numbers count from 1",
		"465537":     "465537: Modicon's numbers count from 1",
		"hr:70000":   "hr:70000 is beyond the last address, hr:65535",
		"holding:1":  `"holding" is no table`,
		"hr:":        `"hr:" is no address`,
		"hr:-1":      `"hr:-1" is no address`,
		"hr:1_0":     `"hr:1_0" is no address`,
		"":           `"" is no address`,
		"0000000017": "0000000017 does not say in which table",
	} {
		_, err := modbus.ParseAddress(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"hr:104", "40105", "400105", "di:0x10", "co:", "104", "hr:40001", "０", "hr:999999999999999999999", "sunspec:103.W", "sunspec:160.2.DCW", "sunspec:.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := modbus.ParseAddress(text)
		if err != nil {
			return
		}
		if a.Sun != (modbus.SunRef{}) {
			if again, err := modbus.ParseAddress(a.String()); err != nil || again != a {
				t.Errorf("%q is %v, and that is %v, %v", text, a, again, err)
			}
			return
		}
		for _, notation := range strings.Split(a.Notations(), " = ")[:2] {
			if strings.HasPrefix(notation, "hr:") || strings.Contains(notation, ":") {
				continue // a large offset in decimal is asked to be written otherwise
			}
			if again, err := modbus.ParseAddress(notation); err != nil || again != a {
				t.Errorf("%q is %v, and its notation %s is %v, %v", text, a, notation, again, err)
			}
		}
	})
}
