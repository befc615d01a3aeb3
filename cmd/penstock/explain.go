package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
)

func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain DEVICE", Short: "Say by which requests a device is read, and what was learned of it", Args: exactly(1),
		Long: "explain prints the requests that the points of a device are read by, what each takes, and what was learned of the device: addresses it\n" +
			"lacks, how much one request may ask for. What a gateway has learned survives its restarts.",
		Example: "  penstock explain meter_01\n  penstock explain meter_01 -o json",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		e, err := explain(cmd.Context(), cfg, args[0])
		if err != nil {
			return err
		}
		if out.json {
			return printJSON(cmd.OutOrStdout(), e)
		}
		return printExplanation(cmd.OutOrStdout(), e)
	}
	return cmd
}

// explain asks the gateway when it runs, else the state that it left behind.
func explain(ctx context.Context, cfg *config.Config, device string) (e status.Explanation, err error) {
	err = dial(cfg.State).get(ctx, "/api/v1/explain/"+url.PathEscape(device), &e)
	if errors.Is(err, errNotRunning) {
		return gateway.Explain(cfg, device)
	}
	return e, err
}

func printExplanation(to io.Writer, e status.Explanation) error {
	fmt.Fprintf(to, "%s on %s (%s)\n", e.Device, e.Connection, e.Kind)
	if !e.Learned {
		fmt.Fprintln(to, "nothing was learned of it yet: this is the plan it begins with")
	}
	for _, r := range e.Readings {
		fmt.Fprintf(to, "every %s: %s\n", r.Every, count(len(r.Requests), "request"))
		w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		for _, q := range r.Requests {
			fmt.Fprintf(w, "  %s\t%v\t%s%s\n", q.What, q.Takes, some(q.Points), unasked(q))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if len(r.Missing) > 0 {
			fmt.Fprintf(to, "  not asked for, since the device does not have it: %s\n", some(r.Missing))
		}
	}
	for _, f := range e.Facts {
		fmt.Fprintf(to, "- %s\n", f)
	}
	return nil
}

func unasked(r adapters.Request) string {
	if r.Unasked == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d that no point asks for)", r.Unasked)
}

// some names a few of many.
func some(names []string) string {
	const few = 6
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s ... %s: %s", strings.Join(names[:2], ", "), names[len(names)-1], count(len(names), "point"))
}
