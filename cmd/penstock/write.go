package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/status"
)

func writeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "write DEVICE.POINT VALUE", Short: "Write a point within its limits and read it back", Args: exactly(2),
		Long:    "write sends a value to the equipment and prints what the point reads afterwards. The point must say access: rw, and the value must be within its range.",
		Example: "  penstock write boiler.setpoint 72.5\n  penstock write press.start true",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		p, err := writePoint(cmd.Context(), cfg, args[0], args[1])
		if err != nil {
			return err
		}
		return printPoints(cmd.OutOrStdout(), []status.Point{p}, out.json)
	}
	return cmd
}

// writePoint lets the running gateway write, or writes itself when none runs. Both go through the same limits.
func writePoint(ctx context.Context, cfg *config.Config, name, value string) (status.Point, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ask := status.Write{Point: name, Value: value, Who: whoami()}
	p, err := dial(cfg.State).write(ctx, ask)
	if !errors.Is(err, errNotRunning) {
		return p, err
	}
	points, err := choose(cfg, name)
	if err != nil {
		return status.Point{}, err
	}
	if points[0].FullName() != name {
		return status.Point{}, fmt.Errorf("%s is a device; name a point of it, as in %s", name, points[0].FullName())
	}
	adapter, err := open(ctx, cfg, points[0].Device)
	if err != nil {
		return status.Point{}, err
	}
	defer adapter.Close()
	return gateway.WriteAlone(ctx, cfg, adapter, ask, slog.New(slog.DiscardHandler))
}
