package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/status"
)

func ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ledger", Short: "Show what the cloud will never get of this gateway, by number", Args: exactly(0),
		Long: "ledger lists the blocks that the running gateway had to give up: evicted from a full buffer, damaged on disk, or sent with fewer samples. " +
			"`penstock-cloud ledger GATEWAY` lists the same gaps. It exits 1 while some of it is not declared to the cloud, so that monitoring can use it.",
		Example: "  penstock ledger\n  penstock ledger -o json",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		var all struct {
			Targets []status.Ledger `json:"targets"`
		}
		if err := dial(cfg.State).get(cmd.Context(), "/api/v1/ledger", &all); err != nil {
			return err
		}
		if out.json {
			err = printJSON(cmd.OutOrStdout(), all)
		} else {
			err = printLedgers(cmd.OutOrStdout(), all.Targets)
		}
		for _, l := range all.Targets {
			if l.Undeclared+l.UndeclaredSamples > 0 && err == nil {
				return exitCode(exitError)
			}
		}
		return err
	}
	return cmd
}

func printLedgers(to io.Writer, ledgers []status.Ledger) error {
	var text []byte
	for _, l := range ledgers {
		empty := len(l.Older) == 0
		for _, e := range l.Epochs {
			empty = empty && len(e.Gaps)+len(e.Thinned)+len(e.GivenUp) == 0
		}
		if empty {
			text = fmt.Appendf(text, "target %s: nothing was lost\n", l.Target)
			continue
		}
		text = fmt.Appendf(text, "target %s: %d blocks and %d samples not declared yet\n", l.Target, l.Undeclared, l.UndeclaredSamples)
		for _, c := range l.Older {
			text = fmt.Appendf(text, "  before: %d blocks, %s (%s), %d samples\n", c.Blocks, c.Reason, c.Class, c.Samples)
		}
		for _, e := range l.Epochs {
			text = appendEpoch(text, e)
		}
	}
	if len(ledgers) == 0 {
		text = append(text, "no cloud is configured\n"...)
	}
	_, err := to.Write(text)
	return err
}

func appendEpoch(text []byte, e status.LedgerEpoch) []byte {
	text = fmt.Appendf(text, "  epoch %s\n", e.Epoch)
	for _, r := range e.Gaps {
		text = fmt.Appendf(text, "    lost: %d to %d, %s (%s), %d samples%s\n", r.From, r.To, r.Reason, r.Class, r.Samples, owed(r.Declared))
	}
	for _, r := range e.Thinned {
		text = fmt.Appendf(text, "    coarser: %d to %d, %s (%s), %d samples taken out%s\n", r.From, r.To, r.Reason, r.Class, r.Samples, owed(r.Declared))
	}
	for _, g := range e.GivenUp {
		text = fmt.Appendf(text, "    given up before it had a number: %d samples, %s%s\n", g.Samples, g.Reason, owed(g.Declared))
	}
	return text
}

func owed(declared bool) string {
	if declared {
		return ""
	}
	return ", NOT DECLARED YET"
}
