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
	log *slog.Logger
}

// Prepare plans the requests.
func (a *adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	if len(points) == 0 {
		return nil, errors.New("BUG: there is no point to read")
	}
	device, spans, err := plan(points)
	if err != nil {
		return nil, err
	}
	r := &reader{adapter: a, unit: byte(device.Unit), spans: spans, samples: make([]telemetry.Sample, len(points))}
	for i, p := range points {
		r.samples[i].Point = p.ID
	}
	return r, nil
}
