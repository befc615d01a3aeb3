package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway"
)

const gcPercent = 10

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "run", Short: "Run the gateway until it is told to stop", Args: exactly(0),
		Example: "  penstock run -c gateway.yaml",
	}
	path := configFlag(cmd)
	verbose := cmd.Flags().BoolP("verbose", "v", false, "log details, and keep profiles of the memory")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		// A gateway makes little garbage and runs for years on a small machine: collecting early costs it a thousandth of a
		// core and saves a third of its memory.
		debug.SetGCPercent(gcPercent)
		if !*verbose {
			runtime.MemProfileRate = 0 // profiles of the heap are for who looks for something, and cost a megabyte
		}
		cfg, err := load(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		level := slog.LevelInfo
		if *verbose {
			level = slog.LevelDebug
		}
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
		g, err := gateway.Open(cfg, version, log)
		if err != nil {
			return err
		}
		debug.FreeOSMemory() // reading a large configuration leaves many times what stays
		ctx, stop := context.WithCancel(cmd.Context())
		defer stop()
		return g.Run(ctx, func([]string) { ready(ctx, g, log) })
	}
	return cmd
}

// ready tells systemd that the gateway serves, and then, where the unit asks for it, that it is alive: taking its status goes
// through every room's lock, so one that hangs is noticed.
func ready(ctx context.Context, g *gateway.Gateway, log *slog.Logger) {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Warn("tell systemd that the gateway is ready", "err", err)
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	go func() {
		tick := time.NewTicker(every / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			s := g.Status()
			note := fmt.Sprintf("%s\nSTATUS=%d samples kept, %d in the buffer", daemon.SdNotifyWatchdog, s.SamplesKept, s.Buffer.Samples)
			if _, err := daemon.SdNotify(false, note); err != nil {
				log.Warn("tell systemd that the gateway is alive", "err", err)
			}
		}
	}()
}
