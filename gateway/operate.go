package gateway

import (
	"context"
	"fmt"

	"github.com/penstock-edge/penstock/gateway/status"
)

// Alarms lists every alarm as it is.
func (g *Gateway) Alarms() []status.Alarm { return []status.Alarm{} }

// Operate acknowledges an alarm, or hides it.
func (g *Gateway) Operate(_ context.Context, o status.Operation) error {
	return fmt.Errorf("%w: %q", status.ErrNoAlarm, o.Alarm)
}
