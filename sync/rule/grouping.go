package rule

import (
	"strings"
	"time"
)

var units = map[string]time.Duration{"dd": 24 * time.Hour, "hh": time.Hour, "mi": time.Minute, "ss": time.Second, "ms": time.Millisecond}

// Bounds of windows: what a person could mean, and what keeps a rule's memory in bounds.
const (
	maxWindow  = 31 * 24 * time.Hour
	maxOverlap = 1000      // windows that one event is in
	maxCount   = 1_000_000 // events of a COUNTWINDOW
)

// grouping reads what stands behind GROUP BY: expressions, and one window among them.
func (p *parser) grouping(s *Statement) {
	for {
		t := p.peek()
		kind, isWindow := windowNames[strings.ToLower(t.text)]
		switch {
		case !isWindow || t.kind != wordToken:
			s.group = append(s.group, p.expression())
		case s.window.kind != noWindow:
			p.fail(t.at, "a statement has one window")
		default:
			p.advance()
			p.window(s, kind)
		}
		if !p.acceptSign(",") {
			break
		}
	}
	if s.window.kind == noWindow {
		p.fail(p.peek().at, "GROUP BY needs a window, as in GROUP BY TUMBLINGWINDOW(ss, 10): without one no group is ever complete")
	}
}

func (p *parser) window(s *Statement, kind windowKind) {
	w := window{kind: kind}
	open := p.expectSign("(", "behind the window")
	unit := time.Duration(0)
	if kind != counting {
		t := p.advance()
		if unit = units[strings.ToLower(t.text)]; unit == 0 {
			p.fail(t.at, "want a unit: dd, hh, mi, ss or ms, not %s", t)
		}
		p.expectSign(",", "behind the unit")
	}
	numbers := []int64{p.count()}
	for p.acceptSign(",") {
		numbers = append(numbers, p.count())
	}
	p.expectSign(")", "behind the window")
	w.set(unit, numbers)
	if mistake := w.mistake(len(numbers)); mistake != "" {
		p.fail(open.at, "%s", mistake)
	}
	s.window = w
}

func (p *parser) count() int64 {
	t := p.advance()
	if v, ok := parseNumber(t.text); t.kind == numberToken && ok && v.kind == Int && v.small() > 0 && v.small() <= 1<<30 {
		return int64(v.small())
	}
	p.fail(t.at, "want a whole number of at least 1, not %s", t)
	return 0
}

func (w *window) set(unit time.Duration, numbers []int64) {
	second := numbers[len(numbers)-1]
	if w.kind == counting {
		w.count, w.every = int(numbers[0]), int(second)
		return
	}
	// A product that overflows is beyond maxWindow; so is this.
	w.length, w.step = maxWindow+1, maxWindow+1
	if numbers[0] <= int64(maxWindow/unit) {
		w.length = unit * time.Duration(numbers[0])
	}
	if second <= int64(maxWindow/unit) {
		w.step = unit * time.Duration(second)
	}
}

// mistake says what is wrong with the window's numbers, if anything.
func (w *window) mistake(numbers int) string {
	switch {
	case (w.kind == tumbling || w.kind == sliding) && numbers != 1:
		return "this window takes a unit and a length, as in (ss, 10)"
	case w.kind == hopping && numbers != 2:
		return "HOPPINGWINDOW takes a unit, a length and a hop, as in (ss, 10, 5)"
	case w.kind == session && numbers != 2:
		return "SESSIONWINDOW takes a unit, the longest session and the silence that ends one, as in (ss, 60, 5)"
	case w.kind == counting && numbers > 2:
		return "COUNTWINDOW takes how many events, and every how many a row is wanted, as in (10) or (10, 5)"
	case w.kind == counting && w.every > w.count:
		return "COUNTWINDOW would skip events: the second number cannot be larger than the first"
	case w.kind == counting && w.count > maxCount:
		return "a COUNTWINDOW has at most 1000000 events"
	case w.kind == hopping && w.step > w.length:
		return "HOPPINGWINDOW would skip events: the hop cannot be longer than the window"
	case w.length > maxWindow:
		return "a window is at most 31 days long"
	case w.kind == hopping && w.length/w.step > maxOverlap:
		return "more than 1000 windows would overlap: take a longer hop"
	}
	return ""
}
