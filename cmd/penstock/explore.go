package main

import (
	"bytes"
	"context"
	"log/slog"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/gateway/config"
)

// Bounds of asking the servers what they have.
const (
	exploreLimit = time.Minute      // for all of them
	exploreAgain = 30 * time.Second // after a server could not be asked
)

// browsed are the connections with devices that browse.
func browsed(cfg *config.Config) (names []string) {
	for _, c := range cfg.Connections {
		for _, d := range c.Devices {
			if o, ok := d.Settings.(*opcua.Device); ok && len(o.Browse) > 0 {
				names = append(names, c.Name)
				break
			}
		}
	}
	return names
}

// explore asks the servers of some connections what is there, each in a process of its own: what a hostile server does to it, it does to nothing else.
// It gives those that could not be asked, and whether anything was found that is not in the configuration as it was loaded.
func explore(ctx context.Context, path string, names []string, log *slog.Logger) (failed []string, changed bool) {
	ctx, cancel := context.WithTimeout(ctx, exploreLimit)
	defer cancel()
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		other atomic.Bool
	)
	for _, name := range names {
		all.Go(func() {
			child := exec.CommandContext(ctx, "/proc/self/exe", "browse", name, "--save", "-c", path)
			said, err := child.CombinedOutput()
			if err != nil && ctx.Err() == nil {
				log.Warn("a server can't be asked what it has; what was found before is read", "connection", name, "err", string(bytes.TrimSpace(said[:min(len(said), 2000)])))
			}
			if err != nil {
				mu.Lock()
				failed = append(failed, name)
				mu.Unlock()
			}
			if bytes.Contains(said, []byte(foundOther)) {
				other.Store(true)
			}
		})
	}
	all.Wait()
	return failed, other.Load()
}

// keepExploring asks the servers, beside a gateway that runs with what was found before, and those again that could not be asked: until one
// has something new (true), or all have been asked, or ctx ends.
func keepExploring(ctx context.Context, path string, names []string, log *slog.Logger) bool {
	saying := log
	for len(names) > 0 {
		var changed bool
		if names, changed = explore(ctx, path, names, saying); changed {
			log.Info("a server has other variables than are read: starting again to read them")
			return true
		}
		saying = slog.New(slog.DiscardHandler) // it is said once
		select {
		case <-ctx.Done():
			return false
		case <-time.After(exploreAgain):
		}
	}
	return false
}
