package rule

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// kind is what an action does. The texts are on disk.
type kind string

const (
	kindSet     kind = "set"
	kindWrite   kind = "write"
	kindPublish kind = "publish"
	kindScan    kind = "scan"
	kindExec    kind = "exec"
	kindAlarm   kind = "alarm"
)

// action is one thing to do, with everything filled in: it is kept on the shelf from before it is done until it has been done.
type action struct {
	of uint64 // the fingerprint of the rule whose decision it was

	Kind kind      `json:"kind"`
	Rule string    `json:"rule"`
	Key  string    `json:"key"` // rule/occasion/place, both in hex with leading zeroes so that keys sort as they came
	N    uint64    `json:"n"`   // the occasion
	At   time.Time `json:"at"`
	Hop  uint8     `json:"hop,omitempty"` // how many sets led to this one

	Point   string        `json:"point,omitempty"`
	Value   *kept         `json:"value,omitempty"`
	Topic   string        `json:"topic,omitempty"`
	Payload []byte        `json:"payload,omitempty"`
	Points  []string      `json:"points,omitempty"`
	Scan    time.Duration `json:"scan,omitempty"`
	For     time.Duration `json:"for,omitempty"` // of scan; of exec its time-out
	Command []string      `json:"command,omitempty"`
	On      bool          `json:"on,omitempty"`
	Text    string        `json:"text,omitempty"`
}

// kept is a sample's value on disk: as it was, bit for bit.
type kept struct {
	Kind    telemetry.Kind    `json:"kind"`
	Bits    uint64            `json:"bits,omitempty"`
	Text    string            `json:"text,omitempty"`
	Quality telemetry.Quality `json:"quality,omitempty"`
	Time    int64             `json:"time,omitempty"`
}

func keep(s telemetry.Sample) *kept {
	k := &kept{Kind: s.Value.Kind(), Quality: s.Quality, Time: s.Time}
	if k.Kind == telemetry.KindString {
		k.Text = s.Value.Text()
	} else {
		k.Bits = s.Value.Bits()
	}
	return k
}

func (k *kept) sample(id telemetry.PointID) telemetry.Sample {
	s := telemetry.Sample{Point: id, Quality: k.Quality, Time: k.Time}
	switch k.Kind {
	case telemetry.KindString:
		s.Value = telemetry.String(k.Text)
	case telemetry.KindBool:
		s.Value = telemetry.Bool(k.Bits != 0)
	case telemetry.KindInt64, telemetry.KindUint64, telemetry.KindFloat64:
		s.Value = telemetry.FromBits(k.Kind, k.Bits)
	}
	return s
}

// size is roughly what the action takes in memory, in bytes.
func (a *action) size() int {
	n := 256 + len(a.Payload) + len(a.Topic) + len(a.Text)
	for _, word := range a.Command {
		n += len(word)
	}
	return n
}

func (a *action) encode() ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("an action of rule %s as JSON: %w", a.Rule, err)
	}
	return b, nil
}

// decodeAction reads what encode wrote. What lacks something is no action: it would be half of one.
func decodeAction(b []byte) (*action, error) {
	a := &action{}
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("an action on the shelf: %w", err)
	}
	complete := false
	switch a.Kind {
	case kindSet, kindWrite:
		complete = a.Point != "" && a.Value != nil && a.Value.Kind <= telemetry.KindString
	case kindPublish:
		complete = a.Topic != ""
	case kindScan:
		complete = len(a.Points) > 0 && a.Scan > 0
	case kindExec:
		complete = len(a.Command) > 0 && a.For > 0
	case kindAlarm:
		complete = true
	}
	if !complete || a.Rule == "" || a.Key == "" {
		return nil, fmt.Errorf("an action on the shelf: %q lacks what it is to do", a.Kind)
	}
	return a, nil
}
