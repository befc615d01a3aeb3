package alarm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

const (
	formatVersion = 1
	maxStored     = 64 << 10 // bytes; an alarm has 2 KiB of text at most, six times as much when escaped
)

// Encode is the alarm's memory as it is stored; the configuration is not in it.
func (a *Alarm) Encode() []byte {
	b, err := json.Marshal(a.m)
	if err != nil {
		panic("BUG: an alarm's memory is not JSON: " + err.Error())
	}
	return b
}

// Decode is an alarm that goes on where Encode left it. The configuration may have changed: delays that are running are
// measured by the new one.
func Decode(stored []byte, config Config) (*Alarm, error) {
	if len(stored) > maxStored {
		return nil, fmt.Errorf("read stored alarm: %d bytes, at most %d can be", len(stored), maxStored)
	}
	var m memory
	d := json.NewDecoder(bytes.NewReader(stored))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("read stored alarm: %w", err)
	}
	if m.Format != formatVersion {
		return nil, fmt.Errorf("read stored alarm: format %d is not known here, only %d: was it written by a newer version?", m.Format, formatVersion)
	}
	if err := check(m.Name, config); err != nil {
		return nil, fmt.Errorf("read stored alarm: %w", err)
	}
	if err := m.sane(); err != nil {
		return nil, fmt.Errorf("read stored alarm %s: %w", m.Name, err)
	}
	return &Alarm{config.full(), m}, nil
}

// sane refuses what no alarm could have stored.
func (m *memory) sane() error {
	for _, t := range []*time.Time{&m.Now, &m.Since, &m.Clock, &m.ShelvedUntil} {
		if *t = t.UTC(); t.Year() > 5000 || t.Year() < 1 { // beyond, time.Time has no JSON
			return fmt.Errorf("the year %d", t.Year())
		}
	}
	switch normal := !m.Active && !m.Waiting; {
	case m.Level < 0 || m.Level > Critical, m.Input < 0, m.Input > Critical, m.Escalated < 0, m.Asked > m.Sequence+1, m.Occurrence > m.Sequence+1, m.Sequence > 1<<53:
		return fmt.Errorf("its numbers do not fit together")
	case normal && (m.Occurrence != 0 || m.Ack != nil):
		return fmt.Errorf("it is normal, and an occurrence goes on")
	case m.Ack != nil && (m.Ack.Time.Year() > 5000 || m.Ack.Time.Year() < 1 || m.Ack.Who != m.Ack.Who.cut()):
		return fmt.Errorf("its acknowledgement is none of ours")
	}
	return nil
}
