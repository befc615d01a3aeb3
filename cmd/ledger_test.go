package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
)

// tiny is how many bytes of blocks the buffer of tinyGateway takes: a handful. A configuration allows no less than 16 MiB.
const tiny = 1500

// tinyGateway runs a gateway of the site's configuration with a tiny buffer, in this process, and stops it at the end or when it is told to.
func (s *site) tinyGateway() (g *gateway.Gateway, stop func()) {
	s.t.Helper()
	cfg, report := config.Load(s.config(), all.Kinds())
	if report.Err() != nil {
		s.t.Fatal(report.Err())
	}
	cfg.Buffer.MaxSize = tiny
	g, err := gateway.Open(cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, func([]string) {}) }()
	running := true
	stop = func() {
		if !running {
			return
		}
		running = false
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the gateway ended: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return g, stop
}

// killIdle kills the cloud while nothing is under way: of a block that was stored, and whose acknowledgement a kill took, the gateway cannot know.
func (s *site) killIdle(g *gateway.Gateway) {
	s.t.Helper()
	s.silence(true)
	until(s.t, 30*time.Second, "nothing is under way", func() bool { st := g.Status(); return st.Buffer.Samples == 0 && st.Buffer.Records == 0 })
	s.cloud.kill()
	s.silence(false)
}

// damage flips a bit in every other block that lies in the buffer's file, in all copies of it, those of the journal included.
func (s *site) damage() {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "buffer", "*.seg"))
	if err != nil || len(files) != 1 {
		s.t.Fatalf("the buffer has the files %v, %v; want one", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		s.t.Fatal(err)
	}
	flipped := map[string]bool{}
	for at := 0; ; at += 4 {
		next := bytes.Index(data[at:], []byte("PSB\x01"))
		if next < 0 || at+next+48 > len(data) {
			break
		}
		at += next
		block := string(data[at : at+36])
		if _, seen := flipped[block]; !seen {
			flipped[block] = len(flipped)%2 == 0
		}
		if flipped[block] {
			data[at+40] ^= 1
		}
	}
	s.write(files[0], string(data))
}

// gaps is what both sides say of a run of blocks that never came.
func gaps(l status.Ledger) (list []cloud.Gap) {
	for _, e := range l.Epochs {
		for _, r := range e.Gaps {
			list = append(list, cloud.Gap{From: r.From, To: r.To, Samples: r.Samples, Reason: r.Reason, Class: r.Class})
		}
	}
	return list
}

// What a gateway had to give up, since its buffer was full or its disk damaged, is the cloud's list of gaps: number by number, sample by sample, by
// reason and class.
func TestR10_TheListOfGapsIsTheGatewaysLedger(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.configure(counterField(s.counters) + "buffer: {keep: [counter1.number]}\n")
	s.edit(s.config(), "every: 2s", "every: 1s")
	g, stop := s.tinyGateway()
	sent := func() uint64 { return g.Status().Targets[0].SentSamples }
	until(t, 30*time.Second, "the first samples are stored", func() bool { return sent() > 0 })
	s.killIdle(g)
	lost := func(reason string) (blocks uint64) {
		for _, c := range g.Status().Targets[0].Lost {
			if c.Reason == reason {
				blocks += c.Blocks
			}
		}
		return blocks
	}
	until(t, time.Minute, "blocks are evicted", func() bool { return lost("evicted") >= 8 })
	if st := g.Status().Targets[0]; st.Undeclared != lost("evicted") {
		t.Errorf("while the cloud is away: %+v", st)
	}
	kept := g.Status().SamplesKept
	stop()
	s.damage()
	s.startCloud()
	g, stop = s.tinyGateway()
	until(t, time.Minute, "the damage is found", func() bool { return lost("damaged") > 0 })
	until(t, time.Minute, "all is declared", func() bool {
		st := g.Status()
		return st.Targets[0].Connected && st.Targets[0].Undeclared == 0 && st.Buffer.Records <= 2
	})
	s.silence(true)
	until(t, 30*time.Second, "the buffer is empty", func() bool { return g.Status().Buffer.Samples == 0 })
	ours, kept := g.Ledgers()[0], kept+g.Status().SamplesKept
	stop()
	g, stop = s.tinyGateway() // the ledger outlives the gateway
	if again := g.Ledgers()[0]; !reflect.DeepEqual(again, ours) {
		t.Errorf("after a restart the ledger is %+v, it was %+v", again, ours)
	}
	stop()

	theirs := s.ledger()
	var listed []cloud.Gap
	samples, stored := uint64(0), uint64(0)
	for _, e := range theirs.Epochs {
		listed = append(listed, e.Gaps...)
		stored += e.StoredSamples
		if e.Held <= e.Gaps[len(e.Gaps)-1].To {
			t.Errorf("the gateway holds nothing any more, and the cloud takes it to hold what is above %d", e.Held)
		}
	}
	if want := gaps(ours); !reflect.DeepEqual(listed, want) {
		text, _ := json.Marshal(want)
		t.Errorf("the cloud's gaps are\n%+v\nand the gateway's ledger has\n%s", listed, text)
	}
	damaged := uint64(0)
	for _, g := range listed {
		samples += g.Samples
		if g.Reason == "damaged" {
			damaged++
		}
	}
	if damaged == 0 || len(listed) < 2 {
		t.Errorf("too little happened: %+v", listed)
	}
	if samples+stored > kept {
		t.Errorf("%d samples stored and %d lost are more than the %d that were kept", stored, samples, kept)
	}
	t.Logf("%d samples kept, %d stored, %d known to be lost: %+v", kept, stored, samples, listed)
}

// What a full buffer that keeps the oldest refused never had a number: the cloud has the sum, and both say the same.
func TestR10_WhatNeverHadANumberIsASum(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	s.configure(counterField(s.counters) + "buffer: {full: drop-newest}\n")
	s.edit(s.config(), "every: 2s", "every: 1s")
	g, stop := s.tinyGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return g.Status().Targets[0].SentSamples > 0 })
	s.cloud.kill()
	until(t, time.Minute, "samples are refused", func() bool { return g.Status().Buffer.Dropped["refused"] > 100 })
	s.startCloud()
	until(t, time.Minute, "the buffer takes samples again", func() bool { return g.Status().Targets[0].Connected && g.Status().Buffer.Records <= 2 })
	s.silence(true)
	until(t, time.Minute, "all is stored or declared", func() bool {
		st := g.Status()
		return st.Buffer.Samples == 0 && st.Buffer.Unsaved == 0 && st.Targets[0].UndeclaredSamples == 0 && st.Targets[0].Lost != nil
	})
	refused, kept := g.Status().Buffer.Dropped["refused"], g.Status().SamplesKept
	ours := g.Ledgers()[0].Epochs[0].GivenUp
	stop()
	theirs := s.ledger().Epochs[0]
	if len(ours) != 1 || len(theirs.GivenUp) != 1 || ours[0].Samples != refused || theirs.GivenUp[0].Samples != refused || theirs.GivenUp[0].Reason != "refused" {
		t.Errorf("%d samples were refused; the gateway's ledger has %+v, the cloud's %+v", refused, ours, theirs.GivenUp)
	}
	if theirs.StoredSamples+refused != kept || len(theirs.Gaps) != 0 {
		t.Errorf("%d kept, %d stored, %d refused, gaps %+v", kept, theirs.StoredSamples, refused, theirs.Gaps)
	}
}
