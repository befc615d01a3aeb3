package serial

import "testing"

func TestALineIsReadAsEngineersWriteIt(t *testing.T) {
	for text, want := range map[string]string{
		"9600 7E1": "9600 7E1", " 19200  8n1 ": "19200 8N1", "115200 8O2": "115200 8O2", "4800": "4800 8N1",
		"": "", "fast 8N1": "", "9601 8N1": "", "9600 6N1": "", "9600 8M1": "", "9600 8S1": "", "9600 8X1": "", "9600 8N3": "", "9600 8N": "", "9600 8N1.5": "", "9600 8N1 RTS": "", "96e2 8N1": "",
	} {
		var l Line
		if err := l.UnmarshalText([]byte(text)); (err != nil) != (want == "") || err == nil && l.String() != want {
			t.Errorf("%q is %s (%v); want %q", text, l, err, want)
		}
	}
}
