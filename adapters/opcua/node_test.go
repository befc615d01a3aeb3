package opcua

import (
	"strings"
	"testing"
)

func TestNodeIDsAreReadAsEngineersWriteThem(t *testing.T) {
	namespaces := []string{"http://opcfoundation.org/UA/", "urn:server", "http://plant/boiler;1"}
	for text, want := range map[string]string{
		"i=2258":                                  "i=2258",
		"ns=2;s=Boiler1.Temperature":              "ns=2;s=Boiler1.Temperature",
		"ns=2;s=a;b=c; d":                         "ns=2;s=a;b=c; d",
		"nsu=urn:server;s=Speed":                  "ns=1;s=Speed",
		"nsu=http://plant/boiler%3B1;i=007":       "ns=2;i=7",
		"ns=1;b=3q2+7w==":                         "ns=1;b=3q2+7w==",
		"ns=1;g=72962b91fa754ae68d28b404dc7daf63": "ns=1;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
	} {
		n, err := parseNode(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := n.resolve(namespaces)
		if err != nil || got.String() != want {
			t.Errorf("%s goes out as %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestNodeIDsThatAreNoneSayWhatIsWanted(t *testing.T) {
	for _, text := range []string{"", "Temperature", "ns=2", "ns=2;", "ns=70000;i=1", "ns=;i=1", "nsu=;s=x", "ns=1;x=1", "i=-1", "i=4294967296",
		"s=", "g=12", "b=", "b=%", "svr=1;i=3", "ns=1;s=" + strings.Repeat("x", maxIdentifier+1)} {
		if n, err := parseNode(text); err == nil {
			t.Errorf("%.40q was read as %v", text, n)
		}
	}
}

func FuzzParseNode(f *testing.F) {
	for _, seed := range []string{"i=2258", "ns=2;s=Boiler1.Temperature", "nsu=http://a%3Bb%25;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63", "ns=1;b=3q2+7w==", "ns=65535;i=4294967295"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseNode(text)
		if err != nil {
			return
		}
		again, err := parseNode(n.String())
		if err != nil || again != n {
			t.Fatalf("%q was read as %#v, which is written %q and read as %#v, %v", text, n, n, again, err)
		}
		id, err := n.resolve([]string{n.uri})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if _, err := id.Encode(); err != nil {
			t.Fatalf("%q can't be sent: %v", text, err)
		}
	})
}

// FuzzArguments: any text is a list of arguments or an error.
func FuzzArguments(f *testing.F) {
	f.Add(`[1, -2.5, "text", true, 18446744073709551615]`)
	f.Add(`[[1]] 2`)
	f.Fuzz(func(t *testing.T, text string) {
		values, err := valuesIn(text)
		if err == nil && len(values) > maxArguments {
			t.Fatalf("%d arguments", len(values))
		}
		for _, v := range values {
			if err == nil && v.IsNone() {
				t.Fatalf("an argument of %q is nothing", text)
			}
		}
	})
}

// FuzzSeverity: what is accepted is a severity that an event can have.
func FuzzSeverity(f *testing.F) {
	f.Add(">=500")
	f.Add(">= 1001")
	f.Fuzz(func(t *testing.T, text string) {
		if least, err := parseSeverity(text); err == nil && (least < 0 || least > 1000) {
			t.Fatalf("%q is %d", text, least)
		}
	})
}
