package identity

import "testing"

func FuzzParseToken(f *testing.F) {
	text, _, err := NewToken(newCA(f, "ours").Certificate())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err == nil && len(token.Pin) != pinSize {
			t.Fatalf("%q gave a pin of %d bytes", text, len(token.Pin))
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	key, err := NewKey()
	if err != nil {
		f.Fatal(err)
	}
	text, err := NewRequest(key, "plant7")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	ca := newCA(f, "ours")
	f.Fuzz(func(t *testing.T, text []byte) {
		request, err := ParseRequest(text)
		if err != nil {
			return
		}
		cert, err := ca.Issue(request, "plant7", ThingLife)
		if err != nil {
			t.Fatalf("a request that was checked cannot be signed: %v", err)
		}
		if name, err := ThingName(cert); err != nil || name != "plant7" {
			t.Fatalf("the certificate speaks for %q, %v", name, err)
		}
	})
}
