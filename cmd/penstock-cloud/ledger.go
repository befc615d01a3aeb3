package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/cloud"
)

func ledgerCommand() *cobra.Command {
	var c client
	var form string
	cmd := &cobra.Command{
		Use:     "ledger GATEWAY",
		Short:   "Account for a gateway's blocks: what is stored, what is missing and why",
		Example: "  penstock-cloud ledger plant7\n  penstock-cloud ledger plant7 -o json",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ledger cloud.Ledger
			if err := c.get(cmd.Context(), "/api/v1/ledger/"+url.PathEscape(args[0]), nil, &ledger); err != nil {
				return err
			}
			if form == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(ledger)
			}
			return printLedger(cmd.OutOrStdout(), ledger)
		},
	}
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	return cmd
}

func printLedger(out io.Writer, ledger cloud.Ledger) error {
	if len(ledger.Epochs) == 0 {
		_, err := fmt.Fprintln(out, "no blocks have come yet")
		return err
	}
	for _, e := range ledger.Epochs {
		if err := printEpoch(out, e); err != nil {
			return err
		}
	}
	return nil
}

func printEpoch(out io.Writer, e cloud.EpochLedger) error {
	text := fmt.Appendf(nil, "epoch %s: %d blocks with %d samples stored, %d to %d; %d came again", e.Epoch, e.StoredBlocks, e.StoredSamples, e.FirstSeq, e.LastSeq, e.Repeats)
	if e.Filtered > 0 {
		text = fmt.Appendf(text, "; %d were not for this cloud", e.Filtered)
	}
	text = append(text, '\n')
	for _, g := range e.Gaps {
		if g.Reason == cloud.Missing {
			text = fmt.Appendf(text, "  not stored: %d to %d, missing: on the way, or lost without a word\n", g.From, g.To)
			continue
		}
		text = fmt.Appendf(text, "  not stored: %d to %d, %s%s, %d samples\n", g.From, g.To, g.Reason, ofClass(g), g.Samples)
	}
	for _, g := range e.Thinned {
		text = fmt.Appendf(text, "  coarser: %d to %d, %s%s, %d samples taken out\n", g.From, g.To, g.Reason, ofClass(g), g.Samples)
	}
	for _, g := range e.GivenUp {
		text = fmt.Appendf(text, "  given up before it had a number: %d samples, %s\n", g.Samples, g.Reason)
	}
	_, err := out.Write(text)
	return err
}

func ofClass(g cloud.Gap) string {
	if g.Class == "" {
		return ""
	}
	return " (" + g.Class + ")"
}
