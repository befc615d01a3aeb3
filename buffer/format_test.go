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
	for _, m := range regexp.MustCompile(`(?m)^    (pages|gone|losses|journal) +([0-9a-f]+)  ([0-9a-f]+)$`).FindAllSubmatch(doc, -1) {
		key, err1 := hex.DecodeString(string(m[2]))
		value, err2 := hex.DecodeString(string(m[3]))
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %v %v", m[1], err1, err2)
		}
		raw[string(m[1])] = [2][]byte{key, value}
	}
	if len(raw) != 4 {
		t.Fatalf("the document has %d of 4 lines", len(raw))
	}
	examplePage(t, raw["pages"][0], raw["pages"][1])
	var gone ranges
	var lost losses
	entry := func(bucket []byte) ([]byte, []byte) {
		x := raw[string(bucket)]
		value, ok := verified(bucket, x[0], x[1])
		if !ok {
			t.Errorf("the signature of %s does not fit", bucket)
		}
		return x[0], value
	}
	if k, v := entry(goneBucket); !gone.parse(k, v) || !slices.Equal(gone, ranges{{1, 6}}) {
		t.Errorf("gone is %v", gone)
	}
	if k, v := entry(lossesBucket); !lost.parse(k, v) || !slices.Equal(lost, losses{{From: 3, To: 4, Samples: 9, Reason: Damaged, Class: Normal}}) {
		t.Errorf("losses are %v", lost)
	}
	if _, v := entry(journalBucket); string(v) != "entry" {
		t.Errorf("the journal has %q", v)
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
