package buffer

import (
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// The example of FORMAT.md is what the code reads and writes.
func TestTheExampleOfTheDocument(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string][2][]byte{}
	for _, m := range regexp.MustCompile(`(?m)^    (pages|gone|losses|heirs|cursors|journal) +([0-9a-f]+)  ([0-9a-f]+)$`).FindAllSubmatch(doc, -1) {
		key, err1 := hex.DecodeString(string(m[2]))
		value, err2 := hex.DecodeString(string(m[3]))
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %v %v", m[1], err1, err2)
		}
		raw[string(m[1])] = [2][]byte{key, value}
	}
	if len(raw) != 6 {
		t.Fatalf("the document has %d of 6 lines", len(raw))
	}
	examplePage(t, raw["pages"][0], raw["pages"][1])
	var found survey
	for bucket, x := range raw {
		if bucket == "pages" {
			continue
		}
		value, ok := verified([]byte(bucket), x[0], x[1])
		if !ok {
			t.Errorf("the signature of %s does not fit", bucket)
		}
		if bucket == "journal" {
			if string(value) != "entry" {
				t.Errorf("the journal has %q", value)
			}
		} else if !found.cursor(bucket, x[0], value) {
			t.Errorf("%s is not understood", bucket)
		}
	}
	if k := found.known[0]; !slices.Equal(k.gone, ranges{{1, 6}}) || !slices.Equal(k.losses, losses{{From: 3, To: 4, Samples: 9, Reason: Damaged, Class: Normal}}) {
		t.Errorf("slot 0 has %+v", k)
	}
	if k := found.known[2]; !found.there[2] || k.name != "lake" || k.created != 5 || k.last != 8 || k.dropped[0] != (Dropped{1, 4}) || !slices.Equal(k.heirs, ranges{{1, 2}}) {
		t.Errorf("slot 2 has %+v", k)
	}
}

func examplePage(t *testing.T, key, body []byte) {
	t.Helper()
	p, err := parsePage(key)
	if err != nil {
		t.Fatal(err)
	}
	if p.first != 7 || p.class != Keep || p.samples != 5 || !time.Unix(0, p.time).Equal(time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC)) {
		t.Errorf("the page is %+v", p)
	}
	if p.slots != 5 || p.level != 1 || !p.all || p.prev(0) != 6 || p.prev(2) != 2 || p.prev(1) != 0 {
		t.Errorf("the page is for %b, after %v", p.slots, p.prevs)
	}
	for i, want := range []string{"one", "four"} {
		r, rest, err := parseRecord(body, p.first+uint64(i), p.class)
		if err != nil || string(r.Data) != want || r.Samples != uint32(3-i) {
			t.Errorf("record %d is %+v, %v", i, r, err)
		}
		body = rest
	}
	if len(body) > 0 {
		t.Errorf("%d bytes are left over", len(body))
	}
}
