package opcua

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
)

// What a server that names no limits of its own is asked for at once.
const (
	defaultMaxRead    = 1000
	defaultMaxMonitor = 1000
)

// Adapter is one session with a server. It is an adapters.Adapter, Writer and Subscriber.
type Adapter struct {
	session  *session
	settings Connection
	log      *slog.Logger

	namespaces []string
	maxRead    atomic.Int64 // nodes a Read request; halved when the server finds an answer too large
	maxMonitor int          // monitored items a request
	maxBrowse  int          // nodes a Browse request
	maxHistory int          // nodes a HistoryRead request

	clockOff   atomic.Int64 // nanoseconds that the server's clock is ahead of ours; 0 within the tolerance
	subscribed atomic.Bool  // one Subscribe at a time

	mu    sync.Mutex
	types map[string]Type // data type of nodes that were written, by node id

	outcomes map[string]outcome // of methods, by node id
}

// learn reads what is needed of the server before anything else: namespaces and operation limits (OPC 10000-5, 6.3.11).
func (a *Adapter) learn(ctx context.Context) error {
	a.maxRead.Store(defaultMaxRead)
	a.maxMonitor, a.maxBrowse, a.maxHistory = defaultMaxMonitor, maxPerBrowse, historiesAtOne
	values, err := a.fetch(ctx, []*ua.ReadValueID{
		attribute(ua.NewNumericNodeID(0, id.Server_NamespaceArray), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerStatus_CurrentTime), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse), ua.AttributeIDValue),
		attribute(ua.NewNumericNodeID(0, id.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData), ua.AttributeIDValue),
	})
	if err != nil {
		return err
	}
	namespaces, ok := values[0].Value.Value().([]string)
	if !ok {
		return fmt.Errorf("the server's array of namespaces is %T, status 0x%08X", values[0].Value.Value(), uint32(values[0].Status))
	}
	a.namespaces = namespaces
	a.setClock(values[3])
	if limit, ok := values[1].Value.Value().(uint32); ok && limit > 0 {
		a.maxRead.Store(int64(min(limit, defaultMaxRead)))
	}
	if limit, ok := values[2].Value.Value().(uint32); ok && limit > 0 {
		a.maxMonitor = int(min(limit, defaultMaxMonitor))
	}
	if limit, ok := values[4].Value.Value().(uint32); ok && limit > 0 {
		a.maxBrowse = int(min(limit, maxPerBrowse))
	}
	if limit, ok := values[5].Value.Value().(uint32); ok && limit > 0 {
		a.maxHistory = int(min(limit, historiesAtOne))
	}
	return nil
}

// Close ends the session on the server, and every call that still waits.
func (a *Adapter) Close() error {
	a.session.close()
	return nil
}

// resolve gives the id to put on the wire for a point.
func (a *Adapter) resolve(p adapters.Point) (*ua.NodeID, *Spec, error) {
	spec, ok := p.Spec.(*Spec)
	if !ok {
		return nil, nil, fmt.Errorf("BUG: point %s.%s has settings of type %T", p.Device, p.Name, p.Spec)
	}
	if _, err := parseNode(spec.At); err != nil {
		return nil, nil, fmt.Errorf("point %s.%s: %w", p.Device, p.Name, err)
	}
	nodeID, err := a.node(spec.At)
	if err != nil {
		return nil, spec, fmt.Errorf("point %s.%s: %w", p.Device, p.Name, err)
	}
	return nodeID, spec, nil
}

// node is the id on the wire of a node as an engineer writes it.
func (a *Adapter) node(at string) (*ua.NodeID, error) {
	address, err := parseNode(at)
	if err != nil {
		return nil, err
	}
	return address.resolve(a.namespaces)
}

func attribute(nodeID *ua.NodeID, which ua.AttributeID) *ua.ReadValueID {
	return &ua.ReadValueID{NodeID: nodeID, AttributeID: which, DataEncoding: &ua.QualifiedName{}}
}
