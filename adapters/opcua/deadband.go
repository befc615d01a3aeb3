package opcua

import "github.com/gopcua/opcua/ua"

// Filter has the server hold back changes within a deadband: absolute in the unit of the value, or in per cent of the range that the
// server gives the node (EURange; OPC 10000-8, 7.2). One of the two is set. It is called before the point is subscribed to.
func (s *Spec) Filter(absolute, percent float64) { s.Deadband, s.Percent = absolute, percent }

// filter is the point's deadband as the server wants it; nil for none.
func (s *Spec) filter() *ua.ExtensionObject {
	f := &ua.DataChangeFilter{Trigger: ua.DataChangeTriggerStatusValue}
	switch {
	case s.Deadband > 0:
		f.DeadbandType, f.DeadbandValue = uint32(ua.DeadbandTypeAbsolute), s.Deadband
	case s.Percent > 0:
		f.DeadbandType, f.DeadbandValue = uint32(ua.DeadbandTypePercent), min(s.Percent, 100)
	default:
		return nil
	}
	return ua.NewExtensionObject(f)
}

// isFilterRefused reports whether the server would sample the point without its filter: one that is no number, or has no range.
func isFilterRefused(status ua.StatusCode) bool {
	switch status {
	case ua.StatusBadFilterNotAllowed, ua.StatusBadMonitoredItemFilterInvalid, ua.StatusBadMonitoredItemFilterUnsupported, ua.StatusBadDeadbandFilterInvalid:
		return true
	}
	return false
}
