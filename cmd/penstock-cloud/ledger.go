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
		_, err := fmt.Fprintf(out, "epoch %s: %d blocks with %d samples stored, %d to %d; %d came again\n",
			e.Epoch, e.StoredBlocks, e.StoredSamples, e.FirstSeq, e.LastSeq, e.Repeats)
		if err != nil {
			return err
		}
		for _, g := range e.Gaps {
			if _, err := fmt.Fprintf(out, "  not stored: %d to %d, %s, %d samples\n", g.From, g.To, g.Reason, g.Samples); err != nil {
				return err
			}
		}
	}
	return nil
}
