package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
)

// gapRows is how many gaps the page lists of a gateway, the newest.
const gapRows = 200

// delivery says whether all that a gateway sent is here.
type delivery struct {
	cloud.Standing
	Verdict state // its Detail is a sentence
	Lost    bool  // something was given up for good, and declared
	Lives   int   // of the gateway's buffer
	Last    uint64
}

// Gone is how many samples are known to be lost.
func (d delivery) Gone() uint64 { return d.LostSamples + d.GivenUp }

// deliveryView is the page of one gateway's ledger.
type deliveryView struct {
	delivery
	Name    string
	State   state
	Contact contact
	Rows    []gap
	More    int
	Self    string
}

// gap is a row of the list: blocks that are not here, or came with fewer samples.
type gap struct {
	cloud.Gap
	Epoch string
	State state
	Why   string
}

// deliveryOf sums a ledger up. overdue: blocks have been missing without a word for longer than a gateway needs to declare them.
func deliveryOf(l cloud.Ledger, connection state, overdue bool) delivery {
	d := delivery{Standing: l.Standing(), Lives: len(l.Epochs)}
	d.Lost = d.LostBlocks > 0 || d.Thinned > 0 || d.GivenUp > 0
	if n := len(l.Epochs); n > 0 {
		d.Last = l.Epochs[n-1].LastSeq
	}
	d.Verdict = d.verdict(connection, overdue)
	return d
}

// verdict is the worst that is to be said.
func (d *delivery) verdict(connection state, overdue bool) state {
	here := "Everything that came into its buffer is here"
	if d.Lost {
		here = "Everything is here but what it had to give up"
	}
	switch {
	case d.Undeclared > 0 && overdue:
		return state{"bad", "✕", many(d.Undeclared, "block") + " missing", "Nobody says why: the gateway neither holds them nor has it declared them lost. Look at its log and at penstock ledger there."}
	case d.Undeclared > 0:
		return state{"late", "◐", many(d.Undeclared, "block") + " not explained yet", "The gateway has let go of them and not said why. That takes some seconds; after a minute it is an alarm."}
	case d.Waiting > 0:
		return state{"late", "◐", many(d.Waiting, "block") + " to come", "They wait in the gateway's buffer and come as fast as its link allows."}
	case d.Blocks == 0 && !d.Lost:
		return state{"unk", "○", "nothing yet", "No block has come."}
	case connection.Class != up.Class:
		return state{"late", "◐", "here up to the last contact", here + " up to its last contact. What it has read since waits there."}
	case d.Lost:
		return state{"up", "●", "here, with losses declared", here + ", and every number of that is accounted for."}
	}
	return state{"up", "●", "all here", here + ", up to the last block."}
}

// gapsOf lists what is not here or not whole, the newest first.
func gapsOf(l cloud.Ledger) (rows []gap, more int) {
	held := map[cloud.Gap]bool{}
	var all []gap
	missing := map[string][]cloud.Gap{}
	l.Missing(func(epoch string, g cloud.Gap, waits bool) {
		missing[epoch] = append(missing[epoch], g)
		held[g] = held[g] || waits
	})
	for _, e := range l.Epochs {
		for _, g := range e.GivenUp {
			all = append(all, gap{cloud.Gap{Samples: g.Samples}, e.Epoch, state{"bad", "–", "lost", ""}, because(g.Reason)})
		}
		for _, g := range e.Thinned {
			all = append(all, gap{g, e.Epoch, state{"up", "◌", "coarser", ""}, "samples were taken out to have room"})
		}
		for _, g := range e.Gaps {
			if g.Reason != cloud.Missing {
				all = append(all, gap{g, e.Epoch, state{"bad", "–", "lost", ""}, because(g.Reason)})
			}
		}
		for _, g := range missing[e.Epoch] {
			if held[g] {
				all = append(all, gap{g, e.Epoch, state{"late", "◐", "to come", ""}, "waits in the gateway's buffer"})
			} else {
				all = append(all, gap{g, e.Epoch, state{"bad", "✕", "missing", ""}, "nobody says why"})
			}
		}
	}
	for i := len(all) - 1; i >= 0 && len(rows) < gapRows; i-- {
		rows = append(rows, all[i])
	}
	return rows, len(all) - len(rows)
}

// because says a reason in other words.
func because(reason string) string {
	switch reason {
	case "evicted":
		return "evicted: the buffer was full, or it was too old"
	case "refused":
		return "refused: the buffer was full, and keeps the oldest"
	case "memory":
		return "the gateway's disk took nothing for too long"
	case "damaged":
		return "damaged on the gateway's disk"
	}
	return reason
}

// overdue asks whether the alarm of missing blocks is on.
func (w *web) overdue(r *http.Request, gateway string) (bool, error) {
	a, err := w.o.Store.Alarm(r.Context(), gateway, cloud.GapAlarm)
	if errors.Is(err, cloud.ErrNotFound) {
		return false, nil
	}
	return err == nil && a.Own && a.View() != cloud.AlarmsAll, err
}

// account is the delivery of a gateway, with its ledger.
func (w *web) account(r *http.Request, name string, connection state) (d delivery, l cloud.Ledger, err error) {
	if l, err = w.o.Store.Ledger(r.Context(), name); err != nil {
		return d, l, err
	}
	overdue := false
	if l.Standing().Undeclared > 0 {
		overdue, err = w.overdue(r, name)
	}
	return deliveryOf(l, connection, overdue), l, err
}

func (w *web) delivery(r *http.Request) (page, error) {
	name := r.PathValue("thing")
	t, err := w.gatewayNamed(r, name)
	if err != nil {
		return page{}, err
	}
	now := w.now()
	v := &deliveryView{Name: name, State: stateOf(t, w.births.read(t), now), Contact: contactOf(t.LastContact, now), Self: r.URL.RequestURI()}
	var l cloud.Ledger
	if v.delivery, l, err = w.account(r, name, v.State); err != nil {
		return page{}, err
	}
	v.Rows, v.More = gapsOf(l)
	return page{name: "delivery", Title: "Delivery of " + name, Section: "fleet", Data: v}, nil
}

// Numbers are those of a row's blocks.
func (g gap) Numbers() string {
	switch g.From {
	case 0:
		return "never in one"
	case g.To:
		return counted(g.From)
	}
	return fmt.Sprintf("%s to %s", counted(g.From), counted(g.To))
}
