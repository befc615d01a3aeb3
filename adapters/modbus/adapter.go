package modbus

import (
	"errors"
	"log/slog"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// adapter is one open connection.
type adapter struct {
	bus
	log   *slog.Logger
	price price                 // the first guess of what a request costs
	known map[string]*knowledge // by device; under the bus's lock

	maskless [256]bool // units without function 22; under the bus's lock
}

// Prepare plans the requests. They are planned again whenever something is learned.
func (a *adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	if len(points) == 0 {
		return nil, errors.New("BUG: there is no point to read")
	}
	device, places, powers, err := placed(points)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &reader{
		adapter: a, device: device, unit: byte(device.Unit), known: a.knowledgeOf(points[0].Device), places: places, version: -1,
		samples: make([]telemetry.Sample, len(points)+len(powers)), points: len(points), powers: powers,
	}
	for i, p := range points {
		r.samples[i].Point = p.ID
	}
	return r, nil
}
