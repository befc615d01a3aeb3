package opcuasim

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/server/attrs"
	"github.com/gopcua/opcua/server/refs"
	"github.com/gopcua/opcua/ua"
)

// variables is a namespace of the library's server. Unlike the library's own it keeps status codes and
// source timestamps, and may be changed while clients read.
type variables struct {
	server *server.Server
	index  uint16

	mu     sync.RWMutex
	byName map[string]*variable
}

type variable struct {
	value    *ua.DataValue // replaced whole, never changed
	dataType *ua.NodeID
	writable bool
}

func newVariables(srv *server.Server) *variables {
	v := &variables{server: srv, byName: map[string]*variable{}}
	srv.AddNamespace(v)
	if root, err := srv.Namespace(0); err == nil {
		root.Objects().AddRef(v.Objects(), server.RefTypeIDOrganizes, true)
	}
	return v
}

func (v *variables) nodeID(name string) *ua.NodeID { return ua.NewStringNodeID(v.index, name) }

func (v *variables) set(name string, value any, status ua.StatusCode, at time.Time) error {
	variant, err := ua.NewVariant(value)
	if err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	dv := &ua.DataValue{Value: variant, Status: status, SourceTimestamp: at, ServerTimestamp: time.Now()}
	dv.UpdateMask()
	v.mu.Lock()
	known := v.byName[name]
	if known == nil {
		known = &variable{}
		v.byName[name] = known
	}
	known.value = dv
	if value != nil {
		known.dataType = ua.NewNumericNodeID(0, uint32(variant.Type()))
	}
	v.mu.Unlock()
	v.notify(name)
	return nil
}

func (v *variables) notify(name string) {
	if v.server.MonitoredItemService != nil {
		v.server.ChangeNotification(v.nodeID(name))
	}
}

func (v *variables) get(name string) any {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if known := v.byName[name]; known != nil {
		return known.value.Value.Value()
	}
	return nil
}

func (v *variables) remove(name string) {
	v.mu.Lock()
	delete(v.byName, name)
	v.mu.Unlock()
	v.notify(name)
}

func (v *variables) allowWrite(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known := v.byName[name]; known != nil {
		known.writable = true
	}
}

// Attribute answers a Read and a monitored item.
func (v *variables) Attribute(nodeID *ua.NodeID, which ua.AttributeID) *ua.DataValue {
	if nodeID.IntID() == id.ObjectsFolder {
		return attributeOf(v.Objects(), which)
	}
	name := nodeID.StringID()
	v.mu.RLock()
	defer v.mu.RUnlock()
	known := v.byName[name]
	if known == nil {
		return refuse(ua.StatusBadNodeIDUnknown)
	}
	switch which {
	case ua.AttributeIDValue:
		return known.value
	case ua.AttributeIDDataType:
		if known.dataType == nil {
			return server.DataValueFromValue(ua.NewNumericNodeID(0, id.BaseDataType))
		}
		return server.DataValueFromValue(known.dataType)
	case ua.AttributeIDAccessLevel, ua.AttributeIDUserAccessLevel:
		return server.DataValueFromValue(known.access())
	}
	return attributeOf(v.Node(nodeID), which)
}

func (known *variable) access() byte {
	if known.writable {
		return byte(ua.AccessLevelTypeCurrentRead | ua.AccessLevelTypeCurrentWrite)
	}
	return byte(ua.AccessLevelTypeCurrentRead)
}

func attributeOf(node *server.Node, which ua.AttributeID) *ua.DataValue {
	value, err := node.Attribute(which)
	if err != nil {
		return refuse(ua.StatusBadAttributeIDInvalid)
	}
	return value.Value
}

func refuse(status ua.StatusCode) *ua.DataValue {
	return &ua.DataValue{EncodingMask: ua.DataValueServerTimestamp | ua.DataValueStatusCode, ServerTimestamp: time.Now(), Status: status, Value: &ua.Variant{}}
}

// SetAttribute answers a Write: only to a writable variable, only of its own data type.
func (v *variables) SetAttribute(nodeID *ua.NodeID, which ua.AttributeID, dv *ua.DataValue) ua.StatusCode {
	name := nodeID.StringID()
	v.mu.Lock()
	known := v.byName[name]
	status := known.accept(which, dv)
	if status == ua.StatusOK {
		written := *dv
		written.Status, written.SourceTimestamp, written.ServerTimestamp = ua.StatusOK, time.Now(), time.Now()
		written.UpdateMask()
		known.value = &written
	}
	v.mu.Unlock()
	if status == ua.StatusOK {
		v.notify(name)
	}
	return status
}

func (known *variable) accept(which ua.AttributeID, dv *ua.DataValue) ua.StatusCode {
	switch {
	case known == nil:
		return ua.StatusBadNodeIDUnknown
	case which != ua.AttributeIDValue || !known.writable:
		return ua.StatusBadNotWritable
	case dv == nil || dv.Value == nil || reflect.TypeOf(dv.Value.Value()) != reflect.TypeOf(known.value.Value.Value()):
		return ua.StatusBadTypeMismatch
	}
	return ua.StatusOK
}

// Browse lists the variables below the namespace's folder.
func (v *variables) Browse(request *ua.BrowseDescription) *ua.BrowseResult {
	result := &ua.BrowseResult{StatusCode: ua.StatusGood}
	if request.NodeID.IntID() != id.ObjectsFolder {
		return result
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(v.byName)) {
		reference := refs.Organizes(v.nodeID(name), name, name, ua.NewNumericExpandedNodeID(0, id.BaseDataVariableType))
		reference.NodeClass = ua.NodeClassVariable
		result.References = append(result.References, reference)
	}
	return result
}

// Node is a variable as the library's other services want it.
func (v *variables) Node(nodeID *ua.NodeID) *server.Node {
	if nodeID.IntID() == id.ObjectsFolder {
		return v.Objects()
	}
	name := nodeID.StringID()
	return server.NewVariableNode(nodeID, name, func() *ua.DataValue { return v.Attribute(nodeID, ua.AttributeIDValue) })
}

// Objects is the folder of the variables.
func (v *variables) Objects() *server.Node {
	return server.NewNode(ua.NewNumericNodeID(v.index, id.ObjectsFolder), map[ua.AttributeID]*ua.DataValue{
		ua.AttributeIDNodeClass:   server.DataValueFromValue(uint32(ua.NodeClassObject)),
		ua.AttributeIDBrowseName:  server.DataValueFromValue(attrs.BrowseName("Simulator")),
		ua.AttributeIDDisplayName: server.DataValueFromValue(attrs.DisplayName("Simulator", "")),
		ua.AttributeIDDataType:    server.DataValueFromValue(ua.NewNumericExpandedNodeID(0, id.FolderType)),
	}, nil, nil)
}

// The rest of what the library asks of a namespace.

func (v *variables) Name() string                        { return Namespace }
func (v *variables) Root() *server.Node                  { return v.Objects() }
func (v *variables) AddNode(n *server.Node) *server.Node { return n }
func (v *variables) ID() uint16                          { return v.index }
func (v *variables) SetID(index uint16)                  { v.index = index }
