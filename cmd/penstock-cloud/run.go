package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/cloud/server"
	"github.com/penstock-edge/penstock/cloud/web"
)

func runCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "run -c FILE",
		Short:   "Run the server until it is told to stop (SIGTERM, Ctrl-C)",
		Example: "  penstock-cloud run -c cloud/cloud.yaml",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := server.Load(file)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), config, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "/etc/penstock-cloud/cloud.yaml", "the configuration that init made")
	return cmd
}

// serve runs the server and keeps systemd told, where there is one.
func serve(ctx context.Context, config server.Config, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	watched, stop := context.WithCancel(ctx)
	var watchdog sync.WaitGroup
	defer watchdog.Wait()
	defer stop()
	options := server.Options{UI: pages, Ready: func(at server.Addresses) {
		_, _ = fmt.Fprintf(stderr, "MQTT %s, pages and API %s\n", at.MQTT, at.HTTPS) // for people; the log has it too
		notify(log, daemon.SdNotifyReady)
		watchdog.Go(func() { feed(watched, log) })
	}}
	err := server.Run(ctx, config, options, log)
	notify(log, daemon.SdNotifyStopping)
	return err
}

// pages are what people look at.
func pages(of server.UI) http.Handler {
	return web.New(web.Options{Store: of.Store, LoggedIn: of.Session.LoggedIn, Rate: of.Rate, Operator: of.Operator, Who: of.Session.Who, Log: of.Log})
}

func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd is not told", "state", state, "err", err)
	}
}

// feed keeps systemd's watchdog quiet, at twice the pace it asks for.
func feed(ctx context.Context, log *slog.Logger) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil || within == 0 {
		return
	}
	tick := time.NewTicker(within / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			notify(log, daemon.SdNotifyWatchdog)
		}
	}
}
