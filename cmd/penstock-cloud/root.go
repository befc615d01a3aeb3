package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "penstock-cloud",
		Short: "The control plane that Penstock gateways sync to",
		Example: `  penstock-cloud init --dir cloud
  penstock-cloud run -c cloud/cloud.yaml`,
		SilenceErrors: true, // main prints them, once
		SilenceUsage:  true,
		Args:          usage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(initCommand(), runCommand(), inviteCommand(), issueCommand(), queryCommand(), ledgerCommand(),
		alarmsCommand(), ackCommand(), writeCommand(), auditCommand(), versionCommand(), manCommand())
	return root
}

// usage makes errors of the arguments errors of usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

// output adds the flag -o.
func output(cmd *cobra.Command, into *string, forms ...string) {
	cmd.Flags().StringVarP(into, "output", "o", "text", "how to print: "+strings.Join(forms, ", "))
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(forms, *into) {
			return usageError{fmt.Errorf("-o is one of %s, not %q", strings.Join(forms, ", "), *into)}
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}
