// Command plant is the equipment inside the booted machine: Modbus TCP unit 1 on 127.0.0.1:502, of which hr:0 counts.
package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("the plant stands still", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	sim := modbussim.New(log)
	go count(ctx, sim.Add(1, 10), log)
	l, err := net.Listen("tcp", "127.0.0.1:502")
	if err != nil {
		return err
	}
	return sim.ServeTCP(ctx, l)
}

// count makes every reading another value, so that every one is kept.
func count(ctx context.Context, unit *modbussim.Unit, log *slog.Logger) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(0); ; n++ {
		if err := unit.Put(modbus.Address{Table: modbus.Holding, Number: 0}, n); err != nil {
			log.Error("count", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
