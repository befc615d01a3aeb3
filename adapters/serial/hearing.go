package serial

import "time"

// hearing feeds a scanner with chunks, and with the silences between them where a frame ends by one.
type hearing struct {
	frame   Frame
	scanner *Scanner
	last    time.Time // when the last chunk came
	due     time.Time // when the silence after it ends the frame; zero when none does
}

// gapSlack is how long after the frame's idle time the silence is taken for granted. A chunk that was read in time may
// reach us late; when it does come, its own time decides.
const gapSlack = 50 * time.Millisecond

func (h *hearing) chunk(c chunk) {
	if h.frame.Idle > 0 {
		if !h.last.IsZero() && c.at.Sub(h.last) >= h.frame.Idle {
			h.scanner.Gap()
		}
		h.due = c.at.Add(h.frame.Idle + gapSlack)
	}
	h.last = c.at
	h.scanner.Feed(c.data)
}

func (h *hearing) quiet() {
	h.due = time.Time{}
	h.scanner.Gap()
}

// until fires at t; nil, which never fires, for the zero time.
func until(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return time.After(time.Until(t))
}
