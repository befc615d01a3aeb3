package shadow

import (
	"encoding/json"
	"fmt"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// wishes say which setting of a desired value is meant, by its key: one that is set again is another, though the value is the same.
type wishes map[string]wish

type wish struct {
	Now   string `json:"now"`             // the setting that holds: here/VERSION/TIME or cloud/TIME
	Cloud string `json:"cloud,omitempty"` // the cloud's, as it was seen last
}

// set notes that a value was set here. The time is there because a version can come again, of a shadow made anew.
func (w wishes) set(name string, version uint64, now time.Time) {
	w[name] = wish{Now: fmt.Sprintf("here/%d/%d", version, now.Unix()), Cloud: w[name].Cloud}
}

// settings are what tells two settings of one desired value in the cloud apart: the time at which it took each.
type settings map[string]string

func settingsOf(a doc.Answer) settings {
	times, _ := a.Metadata["desired"].(doc.Object)
	s := make(settings, len(times))
	for name, when := range times {
		if text, err := json.Marshal(when); err == nil {
			s[name] = "cloud/" + string(text)
		}
	}
	return s
}

// merge takes over the settings that the cloud knows and forgets those of values that are no longer desired. Where ours is true the cloud
// has the value from here: it is the same setting. It tells whether anything changed.
func (w wishes) merge(d doc.Document, cloud settings, ours func(name string) bool) (changed bool) {
	desired := d.State().Desired
	for name := range w {
		if _, ok := desired[name]; !ok {
			delete(w, name)
			changed = true
		}
	}
	for name, setting := range cloud {
		if _, ok := desired[name]; !ok || w[name].Cloud == setting {
			continue
		}
		now := setting
		if w[name].Now != "" && ours(name) {
			now = w[name].Now
		}
		w[name] = wish{Now: now, Cloud: setting}
		changed = true
	}
	return changed
}

// sent tells of a desired value whether it got to the cloud from here, by a change whose answer was not stored.
func sent(s *doc.Sent, cloud doc.Document) func(name string) bool {
	return func(name string) bool {
		if s == nil {
			return false
		}
		value, ok := s.Merged.Desired[name]
		return ok && !doc.Equal(s.Before.Desired[name], value) && doc.Equal(cloud.State().Desired[name], value)
	}
}
