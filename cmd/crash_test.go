package cmd_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// kills is how often the gateway is killed, and the cloud.
const kills = 10

// event is something that happens so long after the start of a test.
type event struct {
	at time.Duration
	do func()
}

// life is one run of the gateway, from its start to kill -9.
type life struct {
	began, ended time.Time
	safe         uint64 // samples that it said were on disk, just before it was killed
}

// Gateway and cloud are killed again and again, at random moments and also while the other is away. What the gateway said was on disk is
// stored in the end, once and in order, and what is missing is no more than what the flush time allows.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 3)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(random.Int64N(int64(to-from))) }
	var lives []life
	start := func() {
		lives = append(lives, life{began: time.Now()})
		s.launchGateway()
	}
	stored := uint64(0)
	var events []event
	for g, c, n := time.Duration(0), time.Duration(0), 0; n < kills; n++ {
		g += between(200*time.Millisecond, 4*time.Second)
		events = append(events, event{g, func() { s.killGateway(&lives[len(lives)-1]) }})
		g += between(0, 500*time.Millisecond)
		events = append(events, event{g, start})
		c += between(500*time.Millisecond, 4*time.Second)
		events = append(events, event{c, func() { stored = s.killCloud(stored) }})
		c += between(0, time.Second)
		events = append(events, event{c, s.startCloud})
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })

	start()
	began := time.Now()
	for _, e := range events {
		<-time.After(time.Until(began.Add(e.at)))
		e.do()
	}
	s.gateway.says("msg=running")
	s.rest()
	s.gateway.stop()
	s.drain()

	a := s.audit()
	safe, worst := a.judge(t, lives[:kills])
	t.Logf("seed %d: %d kills of each in %v; %d samples served, %d stored; %d were on disk by the gateway's word before a kill, and all of these are stored; %d never reached the disk, the oldest %v before its kill",
		seed, kills, time.Since(began).Round(time.Second), a.served, len(a.stored), safe, len(a.missing), worst.Round(time.Millisecond))
}

// killGateway notes what it says is on disk, and kills it.
func (s *site) killGateway(l *life) {
	s.t.Helper()
	if st, ok := s.status(); ok { // else it is still starting, and has promised nothing
		l.safe = st.SamplesKept - st.Buffer.Unsaved
	}
	s.gateway.kill()
	l.ended = time.Now()
}

// killCloud kills the cloud, which must still have what it had at the kill before.
func (s *site) killCloud(before uint64) (stored uint64) {
	s.t.Helper()
	for _, e := range s.ledger().Epochs {
		stored += e.StoredSamples
	}
	if stored < before {
		s.t.Errorf("the cloud had %d samples stored when it was killed, and now has %d", before, stored)
	}
	s.cloud.kill()
	return stored
}

// judge holds every life of the gateway against its promises. worst is how old the oldest reading was that a kill took.
func (a account) judge(t *testing.T, lives []life) (safe uint64, worst time.Duration) {
	t.Helper()
	for i, l := range lives {
		stored := uint64(0)
		for _, at := range a.stored {
			if at.After(l.began) && at.Before(l.ended) {
				stored++
			}
		}
		if stored < l.safe {
			t.Errorf("life %d: the gateway had %d samples on disk when it was killed, and %d are stored", i+1, l.safe, stored)
		}
		safe += l.safe
	}
	const flush, slow = time.Second, time.Second // slow: what a disk that many tests share may take to sync
	for _, at := range a.missing {
		next := slices.IndexFunc(lives, func(l life) bool { return !at.After(l.ended) })
		if next < 0 {
			t.Errorf("a reading of %v is missing, and nothing was killed after it", at)
			continue
		}
		age := lives[next].ended.Sub(at)
		if age > flush+slow {
			t.Errorf("a reading is missing that was %v old when the gateway was killed: the flush should have saved it", age)
		}
		worst = max(worst, age)
	}
	return safe, worst
}
