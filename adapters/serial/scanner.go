package serial

import "bytes"

// Scanner finds frames in a stream of bytes. It is pure: whatever the chunks the bytes come in, the same frames are taken, and it never
// holds more than max bytes and a checksum. Frames that silence ends depend on Gap instead of on chunks.
//
// A stream may be joined in the middle. What comes before the first start is dropped; without a start, everything up to the first
// end is, for half a line can look like a whole one.
type Scanner struct {
	start, end []byte
	length     int
	idle       bool
	sum        checksum
	max        int
	// take is given a frame whose checksum holds, without checksum and end. It reports whether that is what
	// the device sends; when not, the scanner looks for another frame in the same bytes.
	take func(body []byte) bool

	buf     []byte
	skip    bool // lines: everything up to the next end is to be dropped
	dropped Dropped
}

// Dropped counts what was not taken.
type Dropped struct {
	Checksum  uint64 // frames whose checksum was wrong
	Unmatched uint64 // frames that were not what the device sends
	Overlong  uint64 // times that no end came within max bytes
	Noise     uint64 // bytes that belonged to no frame
}

// frames is the number of frames that were found and not taken.
func (d Dropped) frames() uint64 { return d.Checksum + d.Unmatched + d.Overlong }

// NewScanner scans for frames of at most max bytes. The frame must be valid. The first byte may be in the middle of one.
func NewScanner(f Frame, max int, take func(body []byte) bool) *Scanner {
	start, _ := latin1(f.Start)
	end, _ := latin1(f.End)
	s := &Scanner{start: start, end: end, length: f.Length, idle: f.Idle > 0, sum: checksums[f.Checksum], max: max, take: take}
	s.skip = s.joins()
	return s
}

// joins reports whether a stream joined in the middle must be skipped to the first end.
func (s *Scanner) joins() bool { return len(s.start) == 0 && !s.idle }

// Fresh forgets what came so far: the next byte is the first of a frame, as after a question.
func (s *Scanner) Fresh() { s.buf, s.skip = s.buf[:0], false }

// Dropped is what was not taken since the beginning.
func (s *Scanner) Dropped() Dropped { return s.dropped }

// Held is how many bytes of an unfinished frame there are.
func (s *Scanner) Held() int { return len(s.buf) }

// Feed takes the next bytes.
func (s *Scanner) Feed(chunk []byte) {
	for len(chunk) > 0 {
		n := min(len(chunk), s.room())
		s.buf = append(s.buf, chunk[:n]...)
		chunk = chunk[n:]
		for s.step() {
		}
	}
}

// Gap says that the line has been silent for the frame's idle time.
func (s *Scanner) Gap() {
	if !s.idle {
		return
	}
	if len(s.buf) > 0 && !s.skip {
		s.try(s.buf)
	}
	s.Fresh()
}

// room is how many bytes may be added. step makes room: a full buffer always gives up something.
func (s *Scanner) room() int { return s.max + len(s.end) + s.sum.size - len(s.buf) }

// full reports that the buffer is as long as it may get.
func (s *Scanner) full() bool { return s.room() == 0 }

// step takes or drops something off the front of the buffer, and reports whether it is worth trying again.
func (s *Scanner) step() bool {
	switch {
	case s.idle:
		return s.stepIdle()
	case len(s.start) > 0 && !s.seekStart():
		return false
	case s.length > 0:
		return s.stepLength()
	}
	return s.stepEnd()
}

func (s *Scanner) stepIdle() bool {
	if s.full() && !s.skip {
		s.dropped.Overlong++
		s.skip = true
	}
	if s.skip {
		s.noise(len(s.buf))
	}
	return false
}

// seekStart drops what is before the first start, and reports whether there is one.
func (s *Scanner) seekStart() bool {
	at := bytes.Index(s.buf, s.start)
	if at < 0 { // the last bytes may be the beginning of one
		s.noise(max(len(s.buf)-len(s.start)+1, 0))
		return false
	}
	s.noise(at)
	return true
}

func (s *Scanner) stepLength() bool {
	if len(s.buf) < s.length {
		return false
	}
	if s.try(s.buf[:s.length]) {
		s.drop(s.length)
	} else {
		s.noise(1) // this start may have been a value; the true one may be among the bytes after it
	}
	return true
}

func (s *Scanner) stepEnd() bool {
	at := bytes.Index(s.buf, s.end)
	switch {
	case at < 0 && s.full():
		s.overlong()
		return true
	case at < 0:
		return false
	case s.skip:
		s.noise(at + len(s.end))
		s.skip = false
		return true
	}
	return s.tryTo(at)
}

// overlong gives up a frame that has no end.
func (s *Scanner) overlong() {
	if !s.skip {
		s.dropped.Overlong++
	}
	if len(s.start) > 0 {
		s.noise(1)
		return
	}
	s.noise(len(s.buf) - len(s.end) + 1) // the last bytes may be the beginning of the end
	s.skip = true
}

// tryTo tries the frame that the end at `at` closes. A checksum in raw bytes may look like an end itself: the
// true end is then a few bytes on, and those must have come before anything is dropped.
func (s *Scanner) tryTo(at int) bool {
	before := s.dropped
	if s.try(s.buf[:at]) || s.tryLastStart(at) {
		s.drop(at + len(s.end))
		return true
	}
	if !s.sum.hex {
		for next := at + 1; next <= at+s.sum.size; next++ {
			if len(s.buf) < next+len(s.end) {
				if s.full() {
					break
				}
				s.dropped = before // counted when it is decided
				return false
			}
			if bytes.HasPrefix(s.buf[next:], s.end) && s.try(s.buf[:next]) {
				s.dropped = before
				s.drop(next + len(s.end))
				return true
			}
		}
	}
	s.noise(at + len(s.end))
	return true
}

// tryLastStart tries what follows the last start before the end: the first may have been cut off in its middle.
func (s *Scanner) tryLastStart(at int) bool {
	if len(s.start) == 0 {
		return false
	}
	last := bytes.LastIndex(s.buf[:at], s.start)
	return last > 0 && s.try(s.buf[last:at])
}

// try gives a frame to take when its checksum holds.
func (s *Scanner) try(frame []byte) bool {
	body, ok := s.sum.holds(frame)
	if !ok {
		s.dropped.Checksum++
		return false
	}
	if !s.take(body) {
		s.dropped.Unmatched++
		return false
	}
	return true
}

func (s *Scanner) drop(n int) { s.buf = append(s.buf[:0], s.buf[n:]...) }

func (s *Scanner) noise(n int) {
	s.dropped.Noise += uint64(n)
	s.drop(n)
}
