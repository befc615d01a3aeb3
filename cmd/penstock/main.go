// Command penstock is the gateway daemon and the engineer's tools around it.
//
// main is policy: flags, signals, exit codes. One file a subcommand; run is what the tests call.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/adapters/isolate"
)

// version is set by the build (-ldflags "-X main.version=...").
var version = "dev"

// Exit codes: what scripts rely on.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// defaultConfig is where the packages put it.
const defaultConfig = "/etc/penstock/gateway.yaml"

func main() {
	if isolate.IsChild(os.Args) {
		os.Exit(isolate.Child(all.Kinds()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a command line that was wrong.
type usageError struct{ error }

// exitCode ends a command whose output has said everything already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "penstock: %v; see penstock --help\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "penstock: %v\n", err)
	return exitError
}

// command is the tree of subcommands; the man page and the completion are made from it.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "penstock",
		Short: "Read machines, keep every sample, sync to a cloud",
		Long: "penstock is an edge gateway: it polls Modbus, OPC UA and serial devices, keeps every sample on disk\n" +
			"until the cloud has stored it, and shows what it does on a page of its own.",
		Example:       "  penstock check gateway.yaml\n  penstock run -c gateway.yaml\n  penstock status",
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		runCommand(),
		checkCommand(),
		readCommand(),
		writeCommand(),
		statusCommand(),
		ledgerCommand(),
		explainCommand(), trustCommand(), browseCommand(),
		alarmsCommand(),
		auditCommand(),
		testCommand(),
		enrollCommand(),
		schemaCommand(),
		versionCommand(),
		manCommand(),
	)
	return root
}

// exactly asks for so many arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("want %s", cmd.UseLine())}
		}
		return nil
	}
}

// atMost allows so many arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("want %s", cmd.UseLine())}
		}
		return nil
	}
}
