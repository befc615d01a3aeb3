package modbus

import (
	"errors"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// qualityOf says what a request's error means for its points.
func qualityOf(err error) telemetry.Quality {
	var e Exception
	switch {
	case errors.As(err, &e):
		return e.quality()
	case errors.Is(err, errSilent):
		return telemetry.BadTimeout
	case errors.Is(err, errGarbled):
		return telemetry.BadCommunication
	case errors.Is(err, errClosed):
		return telemetry.BadNoCommunication
	}
	return telemetry.BadCommunication
}

func (e Exception) quality() telemetry.Quality {
	switch e {
	case IllegalFunction:
		return telemetry.BadNotReadable
	case IllegalAddress, IllegalValue:
		return telemetry.BadNodeUnknown
	case DeviceFailure, ParityError:
		return telemetry.BadDeviceFailure
	case Acknowledge, Busy:
		return telemetry.BadOutOfService
	case NoPath:
		return telemetry.BadNoCommunication
	case NoTarget:
		return telemetry.BadTimeout
	}
	return telemetry.BadUnexpected
}
