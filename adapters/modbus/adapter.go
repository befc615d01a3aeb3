package modbus

import (
	"errors"
	"log/slog"

	"github.com/penstock-edge/penstock/adapters"
)

// adapter is one open connection.
type adapter struct {
	bus
	log   *slog.Logger
	price price                 // the first guess of what a request costs
	known map[string]*knowledge // by device; under the bus's lock

	masks [256]masking // what is known of units and function 22; under the bus's lock
}

// Prepare plans the requests. They are planned again whenever something is learned.
func (a *adapter) Prepare(points []adapters.Point) (adapters.Reader, error) {
	if len(points) == 0 {
		return nil, errors.New("BUG: there is no point to read")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.knowledgeOf(points[0].Device)
	device, places, powers, absent, err := placed(points, known.sun.resolve)
	if err != nil {
		return nil, err
	}
	r := &reader{adapter: a, device: device, unit: byte(device.Unit), known: known, list: points, surveyed: -1}
	for _, p := range points {
		r.sunspec = r.sunspec || p.Spec.(*Point).sun()
	}
	r.place(places, powers, absent)
	return r, nil
}
