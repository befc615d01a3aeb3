package opcua

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Events has what a node notifies of become a point of a device: a text, one sample an event.
type Events struct {
	From     string `yaml:"from" required:"true"` // node id of an object that notifies of events
	Severity string `yaml:"severity"`             // ">=500": only these, of 1 to 1000; empty: all
	Name     string `yaml:"name"`                 // of the point; empty: events
}

const (
	defaultEvents = "events"
	eventQueue    = 1000 // events that the server keeps between two publishes
)

func (e Events) check() error {
	if _, err := parseNode(e.From); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	_, err := parseSeverity(e.Severity)
	return err
}

// parseSeverity reads ">=500" or "500".
func parseSeverity(text string) (least int, err error) {
	if text == "" {
		return 0, nil
	}
	least, err = strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(text, ">=")))
	if err != nil || least < 1 || least > 1000 {
		return 0, fmt.Errorf("severity: %q is not of the form >=500, with a number from 1 to 1000", text)
	}
	return least, nil
}

func (e Events) point() (name string, spec adapters.Spec) {
	least, _ := parseSeverity(e.Severity) // it was checked
	if name = e.Name; name == "" {
		name = defaultEvents
	}
	return name, &Spec{At: e.From, Index: wholeValue, Event: true, Severity: least, Queue: eventQueue}
}

// eventFields are what is asked of each event (OPC 10000-5, 6.4.2), in this order.
var eventFields = []string{"EventId", "EventType", "SourceName", "Time", "Message", "Severity"}

func eventFilter() *ua.ExtensionObject {
	f := &ua.EventFilter{WhereClause: &ua.ContentFilter{Elements: []*ua.ContentFilterElement{}}}
	for _, name := range eventFields {
		f.SelectClauses = append(f.SelectClauses, &ua.SimpleAttributeOperand{
			TypeDefinitionID: ua.NewNumericNodeID(0, id.BaseEventType), BrowsePath: []*ua.QualifiedName{{Name: name}}, AttributeID: ua.AttributeIDValue,
		})
	}
	return ua.NewExtensionObject(f)
}

// event is the text of a sample.
type event struct {
	Severity uint16 `json:"severity"`
	Source   string `json:"source,omitempty"`
	Message  string `json:"message"`
	Type     string `json:"type,omitempty"`
	ID       string `json:"id,omitempty"`
}

// eventSample makes a sample of what the server said of one event; false when that can't be understood, or is not severe enough.
func eventSample(p telemetry.PointID, spec *Spec, fields []*ua.Variant, now time.Time) (s telemetry.Sample, ok bool) {
	if len(fields) != len(eventFields) {
		return s, false
	}
	values := make([]any, len(fields))
	for i, f := range fields {
		if f != nil {
			values[i] = f.Value()
		}
	}
	var e event
	if key, ok := values[0].([]byte); ok {
		e.ID = hex.EncodeToString(key)
	}
	if of, ok := values[1].(*ua.NodeID); ok && of != nil {
		e.Type = of.String()
	}
	e.Source, _ = values[2].(string)
	at, sourced := values[3].(time.Time)
	if sourced = sourced && !at.IsZero(); sourced {
		now = at
	}
	if message, ok := values[4].(*ua.LocalizedText); ok && message != nil {
		e.Message = message.Text
	}
	e.Severity, ok = values[5].(uint16)
	if !ok || int(e.Severity) < spec.Severity {
		return s, false
	}
	text, err := json.Marshal(e)
	if err != nil {
		return s, false
	}
	return telemetry.Sample{Point: p, Time: now.UnixNano(), Sourced: sourced, Value: telemetry.String(string(text))}, true
}

// happened hands events on.
func (s *subscription) happened(list *ua.EventNotificationList) {
	now := time.Now()
	var samples []telemetry.Sample
	for _, e := range list.Events {
		if e == nil || int64(e.ClientHandle) >= int64(len(s.items)) {
			continue
		}
		it := &s.items[e.ClientHandle]
		if it.spec == nil || !it.spec.Event {
			continue
		}
		if next, ok := eventSample(it.point.ID, it.spec, e.EventFields, now); ok {
			samples = append(samples, next)
		}
	}
	s.mu.Lock()
	held := s.hold(samples)
	s.mu.Unlock()
	if len(samples) > 0 && !held {
		s.emit(samples)
	}
}
