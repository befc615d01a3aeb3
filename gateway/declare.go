package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/ledger"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// declareEvery is how soon what was lost is in the ledger, and the target told.
const declareEvery = 2 * time.Second

// declare tells the cloud what the buffer had to give up, so that its list of gaps and ours are one.
func (t *target) declare(ctx context.Context) error {
	return t.again(ctx, t.declareSome, "losses are not declared yet")
}

// again does something every now and then until ctx ends. The first time of several that it fails, it is said.
func (t *target) again(ctx context.Context, do func(context.Context) error, failed string) error {
	tick := time.NewTicker(declareEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := do(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			t.log.Warn(failed, "err", err)
		}
		failing = err != nil
	}
}

// declareSome books what was lost, and declares as much as one message takes. While the cloud is away it only books.
func (t *target) declareSome(ctx context.Context) error {
	if err := t.ledger.Take(); err != nil {
		return err
	}
	if err := t.giveUp(); err != nil {
		return err
	}
	owed := t.ledger.Owed(t.mostLosses)
	if len(owed.Losses)+len(owed.GivenUp) == 0 || !t.session.State().Connected {
		return nil
	}
	payload, err := wire.EncodeDeclaration(owed)
	if err != nil {
		return err
	}
	err = t.session.Publish(ctx, session.Message{Topic: t.losses, ContentType: wire.ContentJSON, Payload: payload})
	if err != nil {
		return err
	}
	return t.ledger.Declared(owed)
}

// memory is the reason of what the flow gave up because the disk took nothing for too long.
const memory = "memory"

// giveUp books what never came as far as a number. The buffer counts since it was made, the flow since the start.
func (t *target) giveUp() error {
	return errors.Join(t.ledger.GiveUp(buffer.Refused, t.queue.Stats().Dropped[buffer.Refused].Samples),
		t.ledger.GiveUp(memory, t.givenBefore+t.flow.Stats().Dropped))
}

// came has the ledger know of a block that the cloud has stored: the buffer may have given it up while it was under way.
func (t *target) came(b uplink.Block) {
	if err := t.ledger.Came(b.Seq, uint64(b.Samples)); err != nil {
		t.log.Error("the ledger may call a block lost that the cloud has", "seq", b.Seq, "err", err)
	}
}

// lost is what a target will never get, in a few numbers.
func (t *target) lost(s *status.Target) {
	sum := t.ledger.Sum()
	s.Lost, s.Undeclared, s.UndeclaredSamples = ledgerCounts(sum.Counts), sum.Undeclared, sum.UndeclaredSamples
}

func ledgerCounts(list []ledger.Count) []status.LedgerCount {
	counts := []status.LedgerCount{}
	for _, c := range list {
		counts = append(counts, status.LedgerCount(c))
	}
	return counts
}

// Ledgers is what each target will never get.
func (g *Gateway) Ledgers() []status.Ledger {
	list := []status.Ledger{}
	for _, t := range g.targets {
		a := t.ledger.Account()
		sum := t.ledger.Sum()
		l := status.Ledger{Target: t.name, Older: ledgerCounts(a.Older), Epochs: []status.LedgerEpoch{}, Undeclared: sum.Undeclared, UndeclaredSamples: sum.UndeclaredSamples}
		for _, e := range a.Epochs {
			l.Epochs = append(l.Epochs, status.LedgerEpoch{Epoch: e.Epoch, Gaps: ledgerRuns(e.Gaps), Thinned: ledgerRuns(e.Thinned), GivenUp: givenUp(e.GivenUp)})
		}
		list = append(list, l)
	}
	return list
}

func ledgerRuns(list []ledger.Run) []status.LedgerRun {
	runs := []status.LedgerRun{}
	for _, r := range list {
		runs = append(runs, status.LedgerRun(r))
	}
	return runs
}

func givenUp(list []ledger.Given) []status.LedgerGiven {
	given := []status.LedgerGiven{}
	for _, g := range list {
		given = append(given, status.LedgerGiven(g))
	}
	return given
}
