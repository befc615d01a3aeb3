package server

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	l := newLimit(time.Second, 3)
	now := time.Unix(1_000_000, 0)
	try := func(remote string) (n int) {
		for l.allow(remote, now) {
			n++
		}
		return n
	}
	if n := try("10.0.0.1:1"); n != 3 {
		t.Fatalf("%d tries", n)
	}
	if n := try("10.0.0.1:2"); n != 0 {
		t.Fatalf("another port of the same address: %d tries", n)
	}
	if n := try("10.0.0.2:1"); n != 3 {
		t.Fatalf("another address: %d tries", n)
	}
	if try("[2001:db8::1]:1"); try("[2001:db8::2]:1") != 0 {
		t.Fatal("one machine has all of its /64")
	}
	now = now.Add(2 * time.Second)
	if n := try("10.0.0.1:1"); n != 2 {
		t.Fatalf("two seconds later: %d tries", n)
	}
	for i := range 3 * maxAddresses {
		l.allow(fmt.Sprintf("11.%d.%d.%d:1", i>>16, i>>8&255, i&255), now)
	}
	if len(l.of) > maxAddresses {
		t.Fatalf("%d addresses are kept", len(l.of))
	}
	now = now.Add(2 * time.Minute)
	l.allow("10.0.0.1:1", now)
	if len(l.of) != 1 {
		t.Fatalf("%d addresses are kept when all have been quiet", len(l.of))
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates()
		if got := r.rate("g"); got != 0 {
			t.Fatalf("nothing came, %v", got)
		}
		for range 24 {
			r.count("g", 50)
			time.Sleep(rateSlot)
		}
		if got := r.rate("g"); got < 9 || got > 10 {
			t.Fatalf("50 samples in 5 s are %v a second", got)
		}
		time.Sleep(2 * time.Minute)
		if got := r.rate("g"); got != 0 {
			t.Fatalf("two minutes later: %v", got)
		}
	})
}
