package shadow

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/audit"
	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// trail is what a change by a person leaves in the audit log: who, which shadow, and what was asked for. Things change their shadows all the
// time; that is telemetry.
func (r *Room) trail(by Caller, c doc.Call, now time.Time) func(doc.Document) []audit.Entry {
	return func(d doc.Document) []audit.Entry {
		if by.Person == "" {
			return nil
		}
		details := map[string]string{"version": strconv.FormatUint(d.Version(), 10)}
		if req, bad := doc.ParseRequest(c.Payload, r.o.Limits); c.Op == doc.OpUpdate && bad == nil {
			note(details, "desired", req.Desired)
			note(details, "reported", req.Reported)
		}
		return []audit.Entry{{Time: now.UTC(), Who: by.Person, From: by.From, Action: "shadow." + string(c.Op), Object: c.ID.String(),
			Outcome: audit.Done, Details: details}}
	}
}

// maxNote is where a section's note is cut, in bytes.
const maxNote = 120

func note(details map[string]string, section string, p doc.Patch) {
	switch {
	case p.Sent && p.Object == nil:
		details[section] = "null"
	case p.Sent:
		details[section] = string(appendLeaves(nil, "", p.Object))
	}
}

// appendLeaves writes an object as "path=value path=value", by path, up to maxNote.
func appendLeaves(note []byte, path string, o doc.Object) []byte {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if len(note) > maxNote {
			return append(note[:maxNote], "..."...)
		}
		if below, ok := o[key].(doc.Object); ok && len(below) > 0 {
			note = appendLeaves(note, path+key+".", below)
			continue
		}
		if len(note) > 0 {
			note = append(note, ' ')
		}
		value, _ := json.Marshal(o[key]) // what was JSON a moment ago
		note = append(append(note, path+strings.ToValidUTF8(key, "")...), '=')
		note = append(note, value[:min(len(value), maxNote)]...)
	}
	return note
}
