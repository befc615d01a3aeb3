package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/status"
)

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Show how the running gateway is, on one screen", Args: exactly(0),
		Long:    "status asks the running gateway how it is. It exits 1 when the gateway is not running, or when a connection or a target is down, so that monitoring can use it.",
		Example: "  penstock status\n  penstock status -o json",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		var s status.Status
		if err := dial(cfg.State).get(cmd.Context(), "/api/v1/status", &s); err != nil {
			return err
		}
		if out.json {
			err = printJSON(cmd.OutOrStdout(), s)
		} else {
			err = printStatus(cmd.OutOrStdout(), s)
		}
		if err == nil && !healthy(s) {
			return exitCode(exitError)
		}
		return err
	}
	return cmd
}

func healthy(s status.Status) bool {
	for _, c := range s.Connections {
		if c.State == "down" {
			return false
		}
	}
	for _, t := range s.Targets {
		if !t.Connected {
			return false
		}
	}
	return true
}

func printStatus(to io.Writer, s status.Status) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "gateway\t%s\tversion %s, up %s\n", s.Gateway, s.Version, time.Duration(s.UptimeS)*time.Second)
	fmt.Fprintf(w, "samples\t%d read\t%d kept\n", s.SamplesRead, s.SamplesKept)
	fmt.Fprintf(w, "clock\t%s\t%s\n", s.Clock.Word(), s.Clock.Story())
	waiting := "nothing waits"
	switch {
	case s.Buffer.Oldest == nil && s.Buffer.Records > 0:
		waiting = "oldest of when nobody knew the time"
	case s.Buffer.Oldest != nil:
		waiting = "oldest " + time.Since(*s.Buffer.Oldest).Round(time.Second).String() + " ago"
	}
	fmt.Fprintf(w, "buffer\t%d samples, %d bytes\t%s\n", s.Buffer.Samples, s.Buffer.Bytes, waiting)
	for _, reason := range slices.Sorted(maps.Keys(s.Buffer.Dropped)) {
		if n := s.Buffer.Dropped[reason]; n > 0 {
			fmt.Fprintf(w, "GIVEN UP\t%d samples\t%s\n", n, reason)
		}
	}
	for _, t := range s.Targets {
		fmt.Fprintf(w, "target %s\t%s\t%d samples stored, %d wait%s\n", t.Name, word(t.Connected), t.SentSamples, t.WaitingSamples, because(t.Why, t.Connected))
		if t.Undeclared+t.UndeclaredSamples > 0 {
			fmt.Fprintf(w, "NOT DECLARED\t%d blocks, %d samples\tlost, and %s does not know yet; see penstock ledger\n", t.Undeclared, t.UndeclaredSamples, t.Name)
		}
	}
	for _, c := range s.Connections {
		fmt.Fprintf(w, "%s %s\t%s\t%s%s\n", c.Kind, c.Name, c.State, traffic(c), because(c.Why, c.Why == ""))
	}
	return w.Flush()
}

// traffic is what a connection is asked. Equipment that is never asked talks by itself.
func traffic(c status.Connection) string {
	if c.Requests == 0 && c.State == "up" {
		return "talks by itself"
	}
	return fmt.Sprintf("%d readings, %d failed, %.1f ms (p99 %.1f ms), load %.0f %%", c.Requests, c.Errors, c.LatencyMS.P50, c.LatencyMS.P99, 100*c.Load)
}

func word(connected bool) string {
	if connected {
		return "up"
	}
	return "down"
}

func because(why string, fine bool) string {
	if fine || why == "" {
		return ""
	}
	return "; " + why
}
