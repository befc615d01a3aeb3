package flow

import "github.com/penstock-edge/penstock/sync/telemetry"

// Latest is the newest sample read of a point, kept or not, and whether there is one.
func (f *Flow) Latest(id telemetry.PointID) (telemetry.Sample, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.states[id].latest, f.states[id].read
}

// Stats counts what went through until now.
func (f *Flow) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// Pending is how many samples are kept and not sealed yet, those that are being sealed just now included: nobody may think for a moment that
// there are none.
func (f *Flow) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending) + f.taken
}

// Unsaved is how many samples are kept and not on disk yet: what a power cut would take now.
func (f *Flow) Unsaved() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pending) - f.safe + f.sealing
}
