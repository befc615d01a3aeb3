package opcua

import (
	"context"
	"errors"
	"fmt"

	"github.com/gopcua/opcua/ua"
)

// fetch reads attributes in as many requests as the server's limit asks for. With an error the values
// read so far are returned too, nil for those that are missing.
func (a *Adapter) fetch(ctx context.Context, nodes []*ua.ReadValueID) ([]*ua.DataValue, error) {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Timeout)
	defer cancel()
	values := make([]*ua.DataValue, len(nodes))
	for done := 0; done < len(nodes); {
		count := min(int(a.maxRead.Load()), len(nodes)-done)
		err := a.fetchChunk(ctx, nodes[done:done+count], values[done:done+count])
		switch {
		case err == nil:
			done += count
		case count > 1 && isTooMuch(err):
			a.maxRead.Store(int64(count / 2))
			a.log.Info("the server finds a read request too large; asking for less at once", "nodes", count/2)
		default:
			return values, err
		}
	}
	return values, nil
}

func (a *Adapter) fetchChunk(ctx context.Context, nodes []*ua.ReadValueID, values []*ua.DataValue) error {
	request := &ua.ReadRequest{TimestampsToReturn: ua.TimestampsToReturnBoth, NodesToRead: nodes}
	response, err := exchange[*ua.ReadResponse](ctx, a.session, request)
	if err != nil {
		return err
	}
	if len(response.Results) != len(nodes) {
		return fmt.Errorf("asked for %d nodes, the server answered with %d", len(nodes), len(response.Results))
	}
	copy(values, response.Results)
	for i, value := range values {
		if value == nil || value.Value == nil {
			return fmt.Errorf("the server's answer for %s is incomplete", nodes[i].NodeID)
		}
	}
	return nil
}

// isTooMuch reports whether a smaller request may succeed.
func isTooMuch(err error) bool {
	for _, status := range []ua.StatusCode{
		ua.StatusBadTooManyOperations, ua.StatusBadRequestTooLarge, ua.StatusBadResponseTooLarge,
		ua.StatusBadEncodingLimitsExceeded, ua.StatusBadTCPMessageTooLarge,
	} {
		if errors.Is(err, status) {
			return true
		}
	}
	return false
}
