package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway"
)

const gcPercent = 10

// settled is how long after its start a gateway has what it needs.
const settled = 15 * time.Second

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
		level := slog.LevelInfo
		if *verbose {
			level = slog.LevelDebug
		}
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
		for {
			again, err := runOnce(cmd.Context(), *path, cmd.ErrOrStderr(), log)
			if err != nil || !again || cmd.Context().Err() != nil {
				return err
			}
		}
	}
	return cmd
}

// runOnce runs the gateway until ctx ends, or until a server turns out to have other variables than are read: then it is to run again, with those.
func runOnce(ctx context.Context, path string, stderr io.Writer, log *slog.Logger) (again bool, err error) {
	cfg, err := load(path, stderr)
	if err != nil {
		return false, err
	}
	g, err := gateway.Open(cfg, version, log)
	if err != nil {
		return false, err
	}
	debug.FreeOSMemory() // reading a large configuration leaves many times what stays
	ctx, stop := context.WithCancel(ctx)
	giving := time.AfterFunc(settled, giveBack) // and so do the first connections and blocks
	defer giving.Stop()
	found := make(chan bool, 1)
	go func() {
		other := keepExploring(ctx, path, browsed(cfg), log)
		if other {
			stop()
		}
		found <- other
	}()
	err = g.Run(ctx, func([]string) { ready(ctx, g, log) })
	stop()
	return <-found, err
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
