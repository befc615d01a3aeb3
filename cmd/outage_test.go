package cmd_test

import (
	"testing"
	"time"
)

// While the cloud is away the gateway goes on reading and the buffer grows; when it is back everything arrives, in order.
func TestTheCloudIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.startGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return s.now().Targets[0].SentSamples > 0 })

	s.cloud.stop()
	until(t, 10*time.Second, "the gateway sees that the cloud is away", func() bool { return !s.now().Targets[0].Connected })
	began := s.now()
	until(t, 30*time.Second, "the buffer holds 200 samples more", func() bool { return s.now().Buffer.Samples >= began.Buffer.Samples+200 })
	away := s.now()
	if away.SamplesKept < began.SamplesKept+200 || away.Buffer.Oldest == nil || away.Connections[0].State != "up" {
		t.Errorf("while the cloud is away: %+v", away)
	}
	if r := command(t, nil, "penstock", "status", "-c", s.config()); r.code != 1 {
		t.Errorf("penstock status exits %d while the cloud is away; monitoring wants 1", r.code)
	}

	s.startCloud()
	until(t, time.Minute, "what was kept meanwhile is stored", func() bool { return s.now().Targets[0].SentSamples >= away.SamplesKept })
	s.rest()
	until(t, 20*time.Second, "the buffer is empty", func() bool { st := s.now(); return st.Buffer.Samples == 0 && st.Buffer.Records == 0 })
	kept := s.now()
	s.gateway.stop()
	a := s.audit()
	if len(a.missing) > 0 || uint64(len(a.stored)) != kept.SamplesKept || kept.Targets[0].SentSamples != kept.SamplesKept {
		t.Errorf("the gateway kept %d and sent %d samples; %d are stored and %d of those served are missing", kept.SamplesKept, kept.Targets[0].SentSamples, len(a.stored), len(a.missing))
	}
	t.Logf("%d samples waited at the end of the outage; %d served, %d stored, none missing", away.Buffer.Samples, a.served, len(a.stored))
}

// Told to stop while the cloud is away, the gateway leaves at once, with everything that it has read on disk.
func TestStoppedWhileTheCloudIsAway(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.startGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return s.now().Targets[0].SentSamples > 0 })
	s.cloud.kill()
	until(t, 30*time.Second, "samples wait in the buffer", func() bool { return s.now().Buffer.Samples >= 50 })
	s.rest()
	first := s.now()
	s.gateway.stop()

	s.silence(false)
	s.startGateway() // the cloud is still away
	until(t, 30*time.Second, "it reads on", func() bool { return s.now().SamplesKept >= 50 })
	if waiting := s.now().Buffer.Samples; waiting < first.Buffer.Samples+50 {
		t.Errorf("%d samples waited before the restart, and %d after it with 50 more read", first.Buffer.Samples, waiting)
	}
	s.rest()
	second := s.now()
	s.gateway.stop()

	s.startCloud()
	s.drain()
	a := s.audit()
	if kept := first.SamplesKept + second.SamplesKept; uint64(len(a.stored)) != kept || len(a.missing) > 0 {
		t.Errorf("both lives kept %d samples; %d are stored and %d of those served are missing", kept, len(a.stored), len(a.missing))
	}
	t.Logf("%d and %d samples kept in two lives, %d stored", first.SamplesKept, second.SamplesKept, len(a.stored))
}

// A gateway that is told to stop in the middle of a reading has everything on disk that it had read until then, and does not hold it
// against the device that its answer was not waited for.
func TestStoppedWhileReading(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	for _, c := range s.counters {
		c.unit.Delay(func() time.Duration { return 300 * time.Millisecond }) // so that there is always a reading to be interrupted
	}
	const stops = 4
	for range stops {
		s.startGateway()
		until(t, 30*time.Second, "it waits for an answer", func() bool {
			kept := s.now().SamplesKept
			return kept >= 8 && uint64(s.served()-s.before) > kept // an answer counts as served before its delay
		})
		s.gateway.stop()
	}
	s.drain()
	a := s.audit()
	const underWay = stops * 2 * 2
	if len(a.missing) > underWay {
		t.Errorf("%d samples of %d served are missing after %d stops; at most %d were under way", len(a.missing), a.served, stops, underWay)
	}
	if len(a.bad) > 0 {
		t.Errorf("the devices are said not to have answered: %+v", a.bad)
	}
	t.Logf("%d samples served, %d stored, %d under way when the gateway was stopped", a.served, len(a.stored), len(a.missing))
}
