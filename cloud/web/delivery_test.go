package web

import (
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// sent stores a block whose gateway says that nothing below oldest is still to come.
func (s *site) sent(seq, oldest uint64) {
	s.t.Helper()
	block, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, []string{"press.oil_temp"}, []telemetry.Sample{{Time: noon.UnixNano(), Value: telemetry.Int64(1)}})
	if err != nil {
		s.t.Fatal(err)
	}
	b := cloud.Batch{Thing: "plant7", Epoch: "E", Seq: seq, Oldest: oldest, Received: noon, Block: block, Samples: 1, Points: 1, From: noon.UnixNano(), To: noon.UnixNano()}
	if _, err := s.store.Append(s.t.Context(), b); err != nil {
		s.t.Fatal(err)
	}
}

// A person sees in a word whether all that a gateway sent is here, and why not.
func TestWhetherAllIsHere(t *testing.T) {
	s := newSite(t)
	s.thing("plant7", cloud.KindGateway)
	const page = "/gateways/plant7/delivery"
	s.shows(page, "nothing yet")
	s.birth("plant7", pressBirth)
	s.presence("plant7", true, 2*time.Second)

	s.sent(1, 1)
	s.sent(2, 2)
	s.shows(page, ">all here<", "No block is missing, and none was lost")
	s.shows("/", ">all here<", "Nothing missing in any ledger")

	s.sent(9, 4)
	body := s.shows(page, "1 block not explained yet", "4 to 8", "waits in the gateway", "nobody says why", ">missing<", ">to come<")
	if strings.Contains(body, "No block is missing") {
		t.Error("it says that none is missing")
	}
	declare := func(from, to, samples uint64, reason string) {
		if err := s.store.Declare(t.Context(), "plant7", []cloud.Loss{{Epoch: "E", From: from, To: to, Samples: samples, Reason: reason, Class: "keep"}}); err != nil {
			t.Fatal(err)
		}
	}
	declare(3, 3, 1234, wire.LossEvicted)
	s.shows(page, "5 blocks to come", "1,234", "evicted: the buffer was full", ">keep<", ">lost<", "1 number declared lost")
	s.shows("/", "5 blocks to come", "1,234 samples declared lost")
	for n := uint64(4); n <= 8; n++ {
		s.sent(n, n)
	}
	declare(9, 9, 10, wire.LossDownsampled)
	s.shows(page, "here, with losses declared", "every number of that is accounted for", ">coarser<", "10 samples taken out")

	if err := s.store.GiveUp(t.Context(), "plant7", []cloud.GivenUp{{Epoch: "E", Samples: 77, Reason: "refused"}}); err != nil {
		t.Fatal(err)
	}
	s.shows(page, "here, with losses declared", "<b class=\"bad\">1,311</b>", "never in one", "refused: the buffer was full, and keeps the oldest", ">77<")

	s.presence("plant7", false, time.Hour)
	s.shows(page, "here up to the last contact", "What it has read since waits there")
	s.presence("plant7", true, time.Second)

	s.sent(12, 12)
	step := func([]byte) ([]byte, []wire.AlarmEvent, error) {
		return []byte("x"), []wire.AlarmEvent{{Thing: "plant7", Alarm: cloud.GapAlarm, Sequence: 1, Occurrence: 1, Kind: string(isa.Raised), From: "normal", To: string(isa.Unacknowledged), Severity: "high", Time: noon}}, nil
	}
	if _, _, err := s.store.StepAlarm(t.Context(), "plant7", cloud.GapAlarm, step); err != nil {
		t.Fatal(err)
	}
	s.shows(page, `<section class="card verdict bad">`, "2 blocks missing", "Nobody says why", "10 to 11")
	s.shows("/", `<span class="bad">2 blocks missing without a word`)
}
