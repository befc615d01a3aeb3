package command

import "maps"

// Stats counts since the desk was made.
type Stats struct {
	Asked    uint64 // went on to the equipment
	Done     uint64
	Repeated uint64 // came with a key that had a result
	Refused  map[Code]uint64
	Failed   map[Code]uint64
}

func newStats() Stats { return Stats{Refused: map[Code]uint64{}, Failed: map[Code]uint64{}} }

func (s *Stats) count(state State, code Code) {
	switch state {
	case Done:
		s.Done++
	case Refused:
		s.Refused[code]++
	case Failed:
		s.Failed[code]++
	}
}

// Stats counts until now.
func (d *Desk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	s.Refused, s.Failed = maps.Clone(s.Refused), maps.Clone(s.Failed)
	return s
}
