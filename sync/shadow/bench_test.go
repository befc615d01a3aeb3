package shadow_test

import (
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// A shadow of 40 fields of which an update touches two: what a device of ours has.
const benchState = `{"state":{"desired":{"recipe":"A12","setpoint":80.5},"reported":{"recipe":"A12","setpoint":80,"zones":{` +
	`"z1":{"temp":71.2,"power":12,"fan":true,"mode":"auto"},"z2":{"temp":72.2,"power":13,"fan":true,"mode":"auto"},"z3":{"temp":73.2,"power":14,"fan":true,"mode":"auto"},` +
	`"z4":{"temp":74.2,"power":15,"fan":true,"mode":"auto"},"z5":{"temp":75.2,"power":16,"fan":true,"mode":"auto"},"z6":{"temp":76.2,"power":17,"fan":true,"mode":"auto"}},` +
	`"firmware":"1.4.2","serial":"X-99812","tags":["a","b","c"],"uptime":1234567}}}`

func BenchmarkUpdate(b *testing.B) {
	var d shadow.Document
	now := time.Unix(1_700_000_000, 0)
	first, _ := shadow.ParseRequest([]byte(benchState), shadow.Limits{})
	if _, refused := d.Update(first, now); refused != nil {
		b.Fatal(refused)
	}
	payload := []byte(`{"state":{"reported":{"zones":{"z3":{"temp":81.4}},"uptime":1234568}},"clientToken":"c-1"}`)
	b.ReportAllocs()
	for b.Loop() {
		req, refused := shadow.ParseRequest(payload, shadow.Limits{})
		if refused == nil {
			_, refused = d.Update(req, now)
		}
		if refused != nil {
			b.Fatal(refused)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	var d shadow.Document
	first, _ := shadow.ParseRequest([]byte(benchState), shadow.Limits{})
	if _, refused := d.Update(first, time.Unix(1_700_000_000, 0)); refused != nil {
		b.Fatal(refused)
	}
	stored := d.Encode()
	b.ReportMetric(float64(len(stored)), "bytes")
	for b.Loop() {
		back, err := shadow.Decode(stored)
		if err != nil {
			b.Fatal(err)
		}
		stored = back.Encode()
	}
}

func BenchmarkMerge(b *testing.B) {
	var d shadow.Document
	first, _ := shadow.ParseRequest([]byte(benchState), shadow.Limits{})
	if _, refused := d.Update(first, time.Unix(1_700_000_000, 0)); refused != nil {
		b.Fatal(refused)
	}
	base := shadow.Merge(shadow.Base{}, d, d).Done(0, 0)
	edit, _ := shadow.ParseRequest([]byte(`{"state":{"reported":{"uptime":5}}}`), shadow.Limits{})
	local := d
	if _, refused := local.Update(edit, time.Unix(1_700_000_001, 0)); refused != nil {
		b.Fatal(refused)
	}
	for b.Loop() {
		if shadow.Merge(base, local, d).ToCloud == nil {
			b.Fatal("nothing to send")
		}
	}
}
