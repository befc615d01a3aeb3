package shadow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// wishes say which setting of a desired value is meant, by its key: one that is set again is another, though the value is the same.
type wishes map[string]wish

type wish struct {
	Now   string `json:"now"`             // the setting that holds: here/VERSION/TIME or cloud/TIME, with /N behind the N-th other value of one second
	Cloud string `json:"cloud,omitempty"` // the cloud's, as it was seen last
	Value string `json:"value,omitempty"` // and a print of its value: the cloud tells times in seconds, and a person can set on, off, on in one
	Again int    `json:"again,omitempty"` // how many values before it had that time
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
		value, ok := desired[name]
		before, text := w[name], valuePrint(value)
		sameTime := before.Cloud == setting
		if !ok || sameTime && (before.Value == text || before.Value == "") {
			continue
		}
		next := wish{Now: setting, Cloud: setting, Value: text}
		if sameTime {
			next.Again = before.Again + 1
			next.Now += "/" + strconv.Itoa(next.Again)
		}
		if before.Now != "" && ours(name) {
			next.Now = before.Now
		}
		w[name] = next
		changed = true
	}
	return changed
}

// valuePrint tells values apart. A value that is no JSON is none of a document's.
func valuePrint(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return print(string(text))
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
