package opcua

import (
	"context"
	"fmt"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// watch asks the server for its state every now and then and fails when it does not answer. After a cut
// on the network the library stays "connected" and delivers nothing; this is what notices.
func (a *Adapter) watch(ctx context.Context) error {
	state := attribute(ua.NewNumericNodeID(0, id.Server_ServerStatus_State), ua.AttributeIDValue)
	last := int32(ua.ServerStateRunning)
	ticker := time.NewTicker(a.settings.Watch)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		values, err := a.fetch(ctx, []*ua.ReadValueID{state})
		if err != nil {
			return fmt.Errorf("the server does not answer any more: %w", err)
		}
		if now, ok := values[0].Value.Value().(int32); ok && now != last {
			last = now
			a.log.Warn("the server changed its state", "state", ua.ServerState(now).String())
		}
	}
}
