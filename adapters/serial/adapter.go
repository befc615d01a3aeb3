package serial

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// adapter is one open port. Devices on it either talk by themselves or are asked; both on one line would talk over each other.
type adapter struct {
	port *port
	log  *slog.Logger

	// unsettled is until when the answer to a question that was given up may yet come. Zero when all is quiet.
	// Only Read uses it, and one goroutine at a time reads.
	unsettled time.Time

	mu   sync.Mutex
	talk talk // how the line is used; the first to use it decides
}

type talk uint8

const (
	undecided talk = iota
	asking
	listening
)

// Open opens the port. What is plugged in is not looked at: a device that is switched off is a silent one.
func (c *Connection) Open(ctx context.Context, log *slog.Logger) (adapters.Adapter, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Port, err)
	}
	p, err := openPort(c.Port, c.Line)
	if err != nil {
		return nil, err
	}
	log.Debug("port is open", "port", c.Port, "line", c.Line.String())
	return &adapter{port: p, log: log, unsettled: time.Now().Add(settleFor)}, nil
}

// Close closes the port. Every call after the first does nothing.
func (a *adapter) Close() error { return a.port.Close() }

// use settles how the line is used.
func (a *adapter) use(how talk) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.talk != undecided && a.talk != how {
		return fmt.Errorf("on %s one device must be asked (send) and another talks by itself: give each a line of its own", a.port.path)
	}
	a.talk = how
	return nil
}

// Prepare plans how a device is asked.
func (a *adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	p, err := planned(points)
	if err != nil {
		return nil, err
	}
	if p.device == nil {
		return nothing{}, nil
	}
	if !p.device.asked() {
		return nil, fmt.Errorf("%s talks by itself and can't be asked: give it send, or subscribe", points[0].Device)
	}
	if err := a.use(asking); err != nil {
		return nil, err
	}
	question, err := latin1(p.device.Send)
	if err != nil {
		return nil, fmt.Errorf("the question to %s: %w", points[0].Device, err)
	}
	return &reader{adapter: a, plan: p, question: question, log: a.log.With("device", points[0].Device)}, nil
}

// nothing reads no points.
type nothing struct{}

func (nothing) Read(context.Context, adapters.Emit) error { return nil }
