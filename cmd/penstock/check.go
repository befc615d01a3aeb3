package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/config"
)

func checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check [FILE]", Short: "Find every mistake in a configuration before the daemon does",
		Long: "check reads the configuration with its includes and templates and prints every mistake with its place and its cure.\n" +
			"It exits 0 when there is none, 1 on errors, and with --strict 2 on warnings.",
		Example: "  penstock check gateway.yaml\n  penstock check --strict -o json /etc/penstock/gateway.yaml",
		Args:    atMost(1),
	}
	path := configFlag(cmd)
	strict := cmd.Flags().Bool("strict", false, "exit 2 on warnings")
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			*path = args[0]
		}
		cfg, report := loader().Load(*path)
		if err := printReport(cmd, cfg, report, out.json); err != nil {
			return err
		}
		switch {
		case report.Errors() > 0:
			return exitCode(exitError)
		case *strict && report.Warnings() > 0:
			return exitCode(exitUsage)
		}
		return nil
	}
	return cmd
}

func printReport(cmd *cobra.Command, cfg *config.Config, report *config.Report, json bool) error {
	w := cmd.OutOrStdout()
	if json {
		return printJSON(w, report)
	}
	fmt.Fprint(w, report)
	if cfg != nil {
		devices := 0
		for _, c := range cfg.Connections {
			devices += len(c.Devices)
		}
		fmt.Fprintf(w, "%s: good: %s, %s, %s\n", cfg.Path, count(len(cfg.Connections), "connection"), count(devices, "device"), count(len(cfg.Points), "point"))
		return nil
	}
	fmt.Fprintf(w, "%s, %s\n", count(report.Errors(), "error"), count(report.Warnings(), "warning"))
	return nil
}
