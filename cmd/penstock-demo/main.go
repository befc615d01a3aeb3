// Command penstock-demo is a plant in a box: simulated field equipment on real protocols, a gateway that reads it and
// a cloud that stores it, in one process with nothing to configure.
//
// main is policy; the equipment is in plant.go and its neighbours, what was promised is checked in account.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/adapters/isolate"
)

var version = "dev"

func main() {
	if isolate.IsChild(os.Args) {
		os.Exit(isolate.Child(all.Kinds()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are the flags.
type settings struct {
	length  time.Duration
	dir     string
	output  string
	verbose bool
}

// errBroken: the promise did not hold. The account has been printed already.
var errBroken = errors.New("samples were lost or doubled")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := command()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "penstock-demo: %v; see penstock-demo --help\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "penstock-demo: %v\n", err)
	return 1
}

type usageError struct{ error }

func command() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "penstock-demo",
		Short: "Run a simulated plant, a gateway and a cloud in one process",
		Long: "penstock-demo simulates a press line (Modbus TCP), energy meters (Modbus RTU), a boiler (OPC UA) and a truck scale (serial), reads them\n" +
			"with a gateway and stores the samples in a cloud, all on free loopback ports. It prints where the two pages are.\n" +
			"With --for it ends by itself, drains, and counts what was kept and what was stored; it exits 1 unless nothing was lost or doubled.",
		Example:       "  penstock-demo\n  penstock-demo --for 20s -o json\n  penstock-demo --dir ./demo      # keeps its data",
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown argument %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.output != "text" && s.output != "json" {
				return usageError{fmt.Errorf("-o %s: want text or json", s.output)}
			}
			return show(cmd.Context(), s, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.Flags().DurationVar(&s.length, "for", 0, "end after this time and count; 0: run until Ctrl-C")
	cmd.Flags().StringVar(&s.dir, "dir", "", "keep the data in this `folder`; default a temporary one, removed at the end")
	cmd.Flags().StringVarP(&s.output, "output", "o", "text", "text or json")
	cmd.Flags().BoolVarP(&s.verbose, "verbose", "v", false, "log what gateway and cloud do")
	return cmd
}

// show runs the demo and prints its account.
func show(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "penstock-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	stdlog.SetOutput(io.Discard) // the simulated OPC UA server's library writes there
	level := slog.LevelError
	if s.verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	account, err := demonstrate(ctx, s, stderr, log)
	if err != nil {
		return err
	}
	if s.output == "json" {
		err = json.NewEncoder(stdout).Encode(account)
	} else {
		err = account.print(stdout)
	}
	if err == nil && (account.Lost > 0 || account.Duplicates > 0) {
		return errBroken
	}
	return err
}
