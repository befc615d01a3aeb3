package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/penstock-edge/penstock/adapters"
)

// argument is the one by which a program knows that it was started to run an adapter, and nothing else.
const argument = "run-adapter-apart"

// insideChild is set in the environment of such a process, so that it never starts another.
const insideChild = "PENSTOCK_ADAPTER_APART"

// Kind gives a kind whose connections are opened in a process of their own: another start of this program, with a single
// argument. Its main must hand over to Child when IsChild says so. Settings and Specs of the kind must be plain data in
// exported fields that JSON gives back, and a Spec must know all that it needs without its device.
func Kind(k adapters.Kind) adapters.Kind {
	k.Wrap = func(settings adapters.Connection) adapters.Connection { return &Connection{settings, k.Name} }
	return k
}

// Connection is the settings of a connection that is opened in a process of its own. It is an adapters.Connection.
type Connection struct {
	adapters.Connection
	kind string
}

// Unwrap gives the settings themselves.
func (c *Connection) Unwrap() adapters.Connection { return c.Connection }

// Open starts the process and has it open the connection. The adapter's end is the process's end.
func (c *Connection) Open(ctx context.Context, log *slog.Logger) (adapters.Adapter, error) {
	if os.Getenv(insideChild) != "" {
		return nil, errors.New("BUG: the process of one connection was to start another")
	}
	settings, err := json.Marshal(c.Connection)
	if err != nil {
		return nil, fmt.Errorf("hand over the settings: %w", err)
	}
	p, err := start()
	if err != nil {
		return nil, fmt.Errorf("start a process for the connection: %w", err)
	}
	a := newAdapter(p, log)
	r, err := a.call(ctx, kindOpen, order{Kind: c.kind, Settings: settings, Level: levelOf(ctx, log)}, nil)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a.with(r), nil
}

// levelOf is the least that the log writes down.
func levelOf(ctx context.Context, log *slog.Logger) slog.Level {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(ctx, level) {
			return level
		}
	}
	return slog.LevelError
}
