package alarm

import (
	"bytes"
	"testing"
)

// FuzzReceive: whatever the cloud sends, it is refused or it is an acknowledgement.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(`{"alarm":"oil_hot","occurrence":1772344800001,"sequence":1772344800001,"time":"2026-03-01T06:00:00Z","who":{"name":"ben"}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if ack, err := parseAcknowledgement(payload); err == nil && (ack.Alarm == "" || len(payload) > maxAcknowledgement) {
			t.Errorf("%+v is taken", ack)
		}
	})
}

// FuzzRecord: what is read from the shelf is stored again as the same.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"name":"oil_hot","thing":"plant7","told":"2026-03-01T06:00:00Z","last":{"sequence":7}}` + "\n" + `{"format":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		again, err := parseRecord(r.encode())
		if err != nil || again.name() != r.name() || !bytes.Equal(again.Memory, r.Memory) {
			t.Errorf("%+v came back as %+v, %v", r, again, err)
		}
	})
}
