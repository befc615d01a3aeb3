package telemetry

// PointID is the place of a point in its gateway's table of points. It saves a string in every
// sample; it means nothing outside the process and the configuration that gave it out, so what
// leaves the process carries names instead.
type PointID uint32

// Sample is one value of one point.
type Sample struct {
	Point   PointID
	Quality Quality
	Time    int64 // nanoseconds since 1970-01-01 UTC: the device's own clock where it tells it, else the moment its answer arrived
	Value   Value
	Sourced bool // Time is the equipment's own clock, so what befalls this machine's is nothing to it. It does not leave the process
}

// Same reports whether two samples say the same of a point: equal value and equal quality,
// whatever their times.
func (s Sample) Same(o Sample) bool { return s.Quality == o.Quality && s.Value == o.Value }
