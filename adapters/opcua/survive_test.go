//go:build interop

package opcua_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/isolate"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// recovery is how long a connection may take to bring values again, with the settings as they come.
const recovery = 15 * time.Second

// recovered waits until values come again, and holds against what is promised how many sessions the server is left with.
func (k *kept) recovered(t *testing.T, p *peer, left uint64) {
	t.Helper()
	took := k.again(t, 1)
	k.mu.Lock()
	t.Logf("values again after %s; lost because of %q", took.Round(10*time.Millisecond), k.whys)
	k.mu.Unlock()
	if took > recovery {
		t.Logf("which is longer than the %s that are promised", recovery)
	}
	if p != nil {
		if n := sessionCount(t, open(t, p.plain())).Bits() - 1; n > left {
			t.Errorf("%d sessions are left on the server, want %d", n, left)
		}
	}
}

// order has the server do something to itself.
func (p *peer) order(t *testing.T, what string) {
	t.Helper()
	a := open(t, p.plain())
	defer a.Close()
	if err := write(t, a, point(1, at("Control.Do")), telemetry.String(what)); err != nil {
		t.Fatal(err)
	}
}

func counter() adapters.Point { return point(1, at("Counter"), sampled(50*time.Millisecond)) }

// publishing is a connection that is told from others by its publishing interval.
func (p *peer) publishing(every time.Duration) *opcua.Connection {
	c := p.plain()
	c.Publish = every
	return c
}

// TestSurvives: each trouble that a server makes ends in values again, in 15 s, without anybody doing anything.
func TestSurvives(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	for _, c := range []struct {
		name, order string
		publish     time.Duration
		says        string
	}{
		{"session killed", "kill 110", 110 * time.Millisecond, ""},
		{"subscription deleted", "drop 120", 120 * time.Millisecond, ""},
		{"data silently stops", "stop 130", 130 * time.Millisecond, "stopped publishing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := keep(t, p.publishing(c.publish), counter())
			k.again(t, 1)
			p.order(t, c.order)
			eventually(t, "the loss", func() bool { return k.because(c.says) && k.lostOnce() })
			k.recovered(t, nil, 1)
			if c.says != "" && !k.because(c.says) {
				t.Errorf("the reason does not say %q", c.says)
			}
		})
	}
	t.Run("network black hole", func(t *testing.T) {
		t.Parallel()
		hole := startProxy(t, p.endpoint)
		c := p.publishing(140 * time.Millisecond)
		c.URL = hole.endpoint()
		k := keep(t, c, counter())
		k.again(t, 1)
		hole.silence()
		eventually(t, "the loss", k.lostOnce)
		hole.speak()
		k.recovered(t, nil, 2) // the one behind the hole ends by its own timeout
	})
	t.Run("node removed and back", func(t *testing.T) {
		t.Parallel()
		k := keep(t, p.publishing(150*time.Millisecond), counter(), point(2, at("Many.9"), sampled(50*time.Millisecond)))
		k.again(t, 1)
		a := open(t, p.plain())
		if err := write(t, a, point(1, at("Control.Remove")), telemetry.String("Many.9")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the removed node being bad", func() bool { return last(k.of(2)).Quality == telemetry.BadNodeUnknown })
		k.again(t, 1)
		if err := write(t, a, point(1, at("Control.Add")), telemetry.String("Many.9")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the node being there again", func() bool { return last(k.of(2)).Value == telemetry.Uint64(1000) })
		if k.lostOnce() {
			t.Errorf("the connection was lost: %q", k.whys)
		}
	})
}

// lostOnce reports whether the connection was lost, or could not be opened.
func (k *kept) lostOnce() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.whys) > 0
}

// TestSurvivesRestarts: the server comes back as another, on the same address.
func TestSurvivesRestarts(t *testing.T) {
	t.Parallel()
	port, folder, other := freePort(t), t.TempDir(), t.TempDir()
	p, stop := startPeerAt(t, port, folder, "NAMESPACES=1")
	again := func(folder string, env ...string) {
		t.Helper()
		stop()
		p, stop = startPeerAt(t, port, folder, env...)
	}
	c := p.encrypted("Basic256Sha256")
	c.Folder, c.PKI = t.TempDir(), "" // our own certificate is the same at every opening all the same
	byURI := point(1, "nsu=urn:plant;s=Counter", sampled(50*time.Millisecond))
	encrypted, unsafe := keep(t, c, byURI), keep(t, p.plain(), byURI)
	encrypted.again(t, 1)

	t.Run("restarted, with another index of the namespace", func(t *testing.T) {
		again(folder, "NAMESPACES=4")
		encrypted.recovered(t, nil, 0)
		unsafe.recovered(t, p, 2)
	})
	t.Run("clock 17 h ahead", func(t *testing.T) {
		again(folder, "NAMESPACES=4", "HOURS=17")
		encrypted.recovered(t, nil, 0)
		encrypted.inOurTime(t)
	})
	t.Run("clock 17 h behind, and another certificate", func(t *testing.T) {
		again(other, "NAMESPACES=4", "HOURS=-17", freshCertificate)
		unsafe.recovered(t, nil, 0)
		unsafe.inOurTime(t)
		eventually(t, "the certificate being refused", func() bool { return encrypted.because("another certificate than the pinned one") })
		before := len(encrypted.of(1))
		encrypted.tried(t)
		if n := len(encrypted.of(1)); n > before {
			t.Errorf("%d samples came from a server that nobody vouched for", n-before)
		}
		fresh := *c
		fresh.Trust = filepath.Join(p.pki, "own", "certs", "certificate.pem")
		keep(t, &fresh, byURI).again(t, 1)
	})
}

// tried waits until it was opened, or was not, once more.
func (k *kept) tried(t *testing.T) {
	t.Helper()
	count := func() int { k.mu.Lock(); defer k.mu.Unlock(); return k.attempts }
	before := count()
	eventually(t, "another attempt", func() bool { return count() > before })
}

func (k *kept) inOurTime(t *testing.T) {
	t.Helper()
	if s := last(k.of(1)); s.Quality != telemetry.UncertainClock || time.Since(time.Unix(0, s.Time)).Abs() > time.Minute {
		t.Errorf("%v at %s", s, time.Unix(0, s.Time))
	}
}

// TestAGapIsFilled: what the server recorded while nobody could hear it comes later, in order, once, with its own times; and nothing is missing.
func TestAGapIsFilled(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	gap := startProxy(t, p.endpoint)
	c := p.plain()
	c.URL = gap.endpoint()
	k := keep(t, isolate.Kind(opcua.Kind()).Wrap(c), point(1, at("Recorded"), sampled(10*time.Millisecond)), counter2())
	k.again(t, 1)
	for range 2 {
		gap.cut()
		eventually(t, "the loss", k.lostOnce)
		before := len(p.recorded(t, "recorded.jsonl"))
		eventually(t, "60 changes that nobody hears", func() bool { return len(p.recorded(t, "recorded.jsonl")) > before+60 })
		gap.restore()
		k.again(t, 1)
	}
	eventually(t, "some more", func() bool { return last(k.of(1)).Quality == telemetry.Good })
	got, recorded := k.of(1), p.recorded(t, "recorded.jsonl")
	place := map[int64]int{}
	for i, r := range recorded {
		place[r.Time.UnixNano()] = i
	}
	filled := 0
	for i, s := range got {
		at, known := place[s.Time]
		if !known || s.Value != telemetry.Float64(recorded[at].Value) {
			t.Fatalf("sample %d of %d is %v, which was never recorded", i, len(got), s)
		}
		if s.Quality != telemetry.Good && s.Quality != telemetry.GoodBackfill {
			t.Errorf("sample %d is %v", i, s)
		}
		inGap := s.Quality == telemetry.GoodBackfill || i > 0 && got[i-1].Quality == telemetry.GoodBackfill
		if inGap {
			filled++
		}
		if i == 0 {
			continue
		}
		// A server that is short of time samples less than asked; what it recorded is all there, all the same.
		if step := at - place[got[i-1].Time]; step < 1 || inGap && step > 1 {
			t.Fatalf("sample %d is number %d of what was recorded, the one before it is %d less", i, at, step)
		}
	}
	if filled < 120 {
		t.Errorf("%d samples were filled in, of more than 120 that nobody heard", filled)
	}
	for i, s := range k.of(2) { // a node without a history goes on
		if s.Quality != telemetry.Good {
			t.Errorf("sample %d of a node without a history is %v", i, s)
		}
	}
	t.Logf("%d samples in a row, %d of them filled in", len(got), filled)
}

func counter2() adapters.Point { return point(2, at("Counter"), sampled(50*time.Millisecond)) }

// TestSurvivesTooManySessions: a server without room says so, and is tried until it has some.
func TestSurvivesTooManySessions(t *testing.T) {
	t.Parallel()
	p, _ := startPeerAt(t, freePort(t), t.TempDir(), "MAX_SESSIONS=1")
	occupant := open(t, p.plain())
	k := keep(t, p.plain(), counter())
	eventually(t, "the refusal", func() bool { return k.because("has no room for another session") })
	occupant.Close()
	k.recovered(t, nil, 1)
}
