package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func readCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "read DEVICE[.POINT]", Short: "Read a device once and print what it says", Args: exactly(1),
		Long: "read prints the points of a device, or one point. When the gateway runs it is asked for its latest values, since a serial line\n" +
			"has room for one reader; otherwise the device is read directly.",
		Example: "  penstock read press\n  penstock read press.oil_temp -o json",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		wanted, err := choose(cfg, args[0])
		if err != nil {
			return err
		}
		points, err := readPoints(cmd.Context(), cfg, wanted)
		if err != nil {
			return err
		}
		return printPoints(cmd.OutOrStdout(), points, out.json)
	}
	return cmd
}

// choose finds the points that DEVICE or DEVICE.POINT names.
func choose(cfg *config.Config, name string) ([]config.Point, error) {
	var found []config.Point
	for _, p := range cfg.Points {
		if p.Device == name || p.FullName() == name {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no device or point is called %q in %s", name, cfg.Path)
	}
	return found, nil
}

func readPoints(ctx context.Context, cfg *config.Config, wanted []config.Point) ([]status.Point, error) {
	var all []status.Point
	err := dial(cfg.State).get(ctx, "/api/v1/points", &all)
	if errors.Is(err, errNotRunning) {
		return readDirectly(ctx, cfg, wanted)
	}
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, p := range wanted {
		names[p.FullName()] = true
	}
	var out []status.Point
	for _, p := range all {
		if names[p.Point] {
			out = append(out, p)
		}
	}
	if len(out) < len(wanted) {
		return nil, fmt.Errorf("the running gateway has %d of these %s: its configuration is older than %s; restart it", len(out), count(len(wanted), "point"), cfg.Path)
	}
	return out, nil
}

// readDirectly opens the device's connection and reads once. Points that the device sends by itself are waited for.
func readDirectly(ctx context.Context, cfg *config.Config, wanted []config.Point) ([]status.Point, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	adapter, err := open(ctx, cfg, wanted[0].Device)
	if err != nil {
		return nil, err
	}
	defer adapter.Close()
	var ask, listen []adapters.Point
	for _, p := range wanted {
		if p.Spec.Pushed() {
			listen = append(listen, p.Point)
		} else {
			ask = append(ask, p.Point)
		}
	}
	got := map[telemetry.PointID]telemetry.Sample{}
	if err := readOnce(ctx, adapter, ask, got); err != nil && len(got) == 0 {
		return nil, err
	}
	if err := listenOnce(ctx, adapter, listen, got); err != nil {
		return nil, err
	}
	out := make([]status.Point, len(wanted))
	for i, p := range wanted {
		s, seen := got[p.ID]
		out[i] = gateway.PointStatus(p, s, seen)
	}
	return out, nil
}

func readOnce(ctx context.Context, a adapters.Adapter, points []adapters.Point, got map[telemetry.PointID]telemetry.Sample) error {
	if len(points) == 0 {
		return nil
	}
	reader, err := a.Prepare(points)
	if err != nil {
		return err
	}
	return reader.Read(ctx, func(samples []telemetry.Sample) {
		for _, s := range samples {
			got[s.Point] = s
		}
	})
}

// listenOnce subscribes until every point has been heard, or the time is up.
func listenOnce(ctx context.Context, a adapters.Adapter, points []adapters.Point, got map[telemetry.PointID]telemetry.Sample) error {
	if len(points) == 0 {
		return nil
	}
	subscriber, ok := a.(adapters.Subscriber)
	if !ok {
		return errors.New("BUG: points are pushed and the adapter takes no subscription")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := make(chan telemetry.Sample, len(points))
	done := make(chan error, 1)
	go func() {
		done <- subscriber.Subscribe(ctx, points, func(samples []telemetry.Sample) {
			for _, s := range samples {
				select {
				case heard <- s:
				case <-ctx.Done():
				}
			}
		})
	}()
	missing := len(points)
	for {
		select {
		case s := <-heard:
			if _, again := got[s.Point]; !again {
				missing--
			}
			got[s.Point] = s
			if missing == 0 {
				cancel()
			}
		case err := <-done:
			return err
		}
	}
}

// open opens the connection a device is on.
func open(ctx context.Context, cfg *config.Config, device string) (adapters.Adapter, error) {
	for _, c := range cfg.Connections {
		for _, d := range c.Devices {
			if d.Name == device {
				return c.Settings.Open(ctx, slog.New(slog.DiscardHandler))
			}
		}
	}
	return nil, fmt.Errorf("BUG: device %s is on no connection", device)
}

func printPoints(to io.Writer, points []status.Point, json bool) error {
	if json {
		for _, p := range points {
			if err := printJSON(to, p); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, p := range points {
		value := strings.TrimSpace(p.Value.Short() + " " + p.Unit)
		if p.Label != "" {
			value = p.Label + " (" + p.Value.String() + ")"
		}
		if p.Quality != "good" {
			value = strings.TrimSpace(value + " " + p.Quality)
		}
		age := "not read yet"
		if p.Time != nil {
			age = p.Time.Local().Format("15:04:05.000")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Point, value, p.At, age)
	}
	return w.Flush()
}
