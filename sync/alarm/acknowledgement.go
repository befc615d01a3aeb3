package alarm

import (
	"cmp"
	"time"
)

// Acknowledgement says that somebody knows. It is made on one side, at the gateway or in the cloud, sent to the other as it
// is, and Apply comes to the same on both, in whatever order and however often it arrives.
type Acknowledgement struct {
	Alarm      string    `json:"alarm"`
	Occurrence uint64    `json:"occurrence"` // which time the alarm was raised
	Sequence   uint64    `json:"sequence"`   // the last event that whoever acknowledged had seen
	Time       time.Time `json:"time"`
	Who        Who       `json:"who"`
}

// Latest is the one of two acknowledgements to keep: of whoever had seen more, else the later one. The rest only makes one
// order of all, so that both sides come to the same.
func Latest(a, b Acknowledgement) Acknowledgement {
	order := cmp.Or(cmp.Compare(a.Sequence, b.Sequence), a.Time.Compare(b.Time), cmp.Compare(a.Who.Name, b.Who.Name), cmp.Compare(a.Who.Comment, b.Who.Comment))
	if order < 0 {
		return b
	}
	return a
}
