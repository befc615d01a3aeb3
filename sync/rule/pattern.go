package rule

import (
	"strconv"
	"strings"
	"time"
)

// field is a run of one letter of a date pattern, or text that stands for itself.
type field struct {
	letter byte // 0 for text
	width  int
	text   string
}

// pattern cuts a date pattern into fields: letters mean something, 'quoted' does not, two quotes are one, all else is itself.
func pattern(s string) ([]field, bool) {
	var all []field
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, false
			}
			quoted := s[i+1 : i+1+end]
			if quoted == "" {
				quoted = "'"
			}
			all, i = append(all, field{text: quoted}), i+end+2
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			end := i
			for end < len(s) && s[end] == c {
				end++
			}
			all, i = append(all, field{letter: c, width: end - i}), end
		default:
			all, i = append(all, field{text: s[i : i+1]}), i+1
		}
	}
	return all, true
}

// formatTime writes t; false where the pattern has a letter that is not known.
func formatTime(layout string, t time.Time) (string, bool) {
	fields, ok := pattern(layout)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, f := range fields {
		s, ok := f.format(t)
		if !ok {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func (f field) format(t time.Time) (string, bool) {
	switch f.letter {
	case 0:
		return f.text, true
	case 'y', 'u', 'Y':
		if f.width == 2 {
			return padded(t.Year()%100, 2), true
		}
		return padded(t.Year(), f.width), true
	case 'M', 'L':
		return f.name(t.Month().String(), int(t.Month())), true
	case 'E':
		return f.name(t.Weekday().String(), -1), true
	case 'S':
		return (padded(t.Nanosecond(), 9) + strings.Repeat("0", f.width))[:f.width], true
	case 'a':
		return t.Format("PM"), true
	case 'G':
		return "AD", true
	case 'z', 'V', 'Z', 'X', 'x':
		return f.zone(t), true
	}
	n, ok := f.number(t)
	return padded(n, f.width), ok
}

func (f field) number(t time.Time) (int, bool) {
	switch f.letter {
	case 'd':
		return t.Day(), true
	case 'D':
		return t.YearDay(), true
	case 'H':
		return t.Hour(), true
	case 'k':
		return (t.Hour()+23)%24 + 1, true
	case 'h':
		return (t.Hour()+11)%12 + 1, true
	case 'K':
		return t.Hour() % 12, true
	case 'm':
		return t.Minute(), true
	case 's':
		return t.Second(), true
	case 'e':
		return (int(t.Weekday())+6)%7 + 1, true
	}
	return 0, false
}

// name is whole from four letters on, three letters long below that; months of one or two letters are numbers.
func (f field) name(whole string, number int) string {
	switch {
	case f.width >= 4:
		return whole
	case f.width == 3 || number < 0:
		return whole[:3]
	}
	return padded(number, f.width)
}

func (f field) zone(t time.Time) string {
	switch {
	case f.letter == 'V' || f.letter == 'Z' && f.width >= 3:
		return t.Location().String()
	case f.letter == 'z':
		abbreviation, _ := t.Zone()
		return abbreviation
	case f.letter == 'X' && t.Format("-07:00") == "+00:00":
		return "Z"
	case f.letter == 'Z' && f.width == 1 || f.width == 2 && f.letter != 'Z':
		return t.Format("-0700")
	case f.width == 1:
		return t.Format("-07")
	}
	return t.Format("-07:00")
}

func padded(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// moment is a time while it is read.
type moment struct {
	year, month, day, hour, minute, second, nano int
	half                                         int // hours that AM or PM adds; -1 without
	zone                                         *time.Location
}

// readTime reads s as the pattern says, all of it.
func readTime(layout, s string) (time.Time, bool) {
	fields, ok := pattern(layout)
	if !ok {
		return time.Time{}, false
	}
	m := moment{year: 1970, month: 1, day: 1, half: -1, zone: time.UTC}
	for i, f := range fields {
		tight := i+1 < len(fields) && strings.IndexByte("yMdHhmsS", fields[i+1].letter) >= 0
		rest, ok := m.read(f, s, tight)
		if !ok {
			return time.Time{}, false
		}
		s = rest
	}
	if m.half >= 0 {
		m.hour = m.hour%12 + m.half
	}
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.nano, m.zone)
	inRange := t.Day() == m.day && int(t.Month()) == m.month && m.hour < 24 && m.minute < 60 && m.second < 61
	return t, s == "" && inRange
}

// read takes one field off s. tight says that digits follow without a gap, so that the width counts.
func (m *moment) read(f field, s string, tight bool) (string, bool) {
	switch f.letter {
	case 0:
		return strings.CutPrefix(s, f.text)
	case 'M', 'L':
		if f.width >= 3 {
			return readName(s, f.width, 12, &m.month, func(i int) string { return time.Month(i).String() })
		}
	case 'E':
		var ignored int
		return readName(s, f.width, 7, &ignored, func(i int) string { return time.Weekday(i % 7).String() })
	case 'G':
		return strings.CutPrefix(s, "AD")
	case 'a':
		return m.readHalf(s)
	case 'z', 'V', 'Z', 'X', 'x':
		return m.readZone(s)
	}
	return m.readNumber(f, s, tight)
}

func (m *moment) readNumber(f field, s string, tight bool) (string, bool) {
	into := map[byte]*int{'y': &m.year, 'u': &m.year, 'M': &m.month, 'L': &m.month, 'd': &m.day, 'H': &m.hour, 'h': &m.hour, 'm': &m.minute, 's': &m.second, 'S': &m.nano}[f.letter]
	most := max(f.width, 2)
	if f.letter == 'y' || f.letter == 'u' || f.letter == 'S' {
		most = 9
	}
	if tight || f.letter == 'S' || f.letter == 'y' && f.width == 2 {
		most = f.width
	}
	end := 0
	for end < len(s) && end < most && isDigit(s[end]) {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if into == nil || err != nil || end > 9 {
		return "", false
	}
	if f.letter == 'S' {
		n *= int(smallTens[9-end])
	}
	if f.letter == 'y' && f.width == 2 {
		n += 2000
	}
	*into = n
	return s[end:], true
}

func readName(s string, width, count int, into *int, name func(int) string) (string, bool) {
	for i := 1; i <= count; i++ {
		want := name(i)
		if width <= 3 {
			want = want[:3]
		}
		if len(s) >= len(want) && strings.EqualFold(s[:len(want)], want) {
			*into = i
			return s[len(want):], true
		}
	}
	return "", false
}

func (m *moment) readHalf(s string) (string, bool) {
	for half, word := range []string{"AM", "PM"} {
		if len(s) >= 2 && strings.EqualFold(s[:2], word) {
			m.half = 12 * half
			return s[2:], true
		}
	}
	return "", false
}

// readZone reads the name of a zone, an offset, or a name of UTC with an offset behind it.
func (m *moment) readZone(s string) (string, bool) {
	end := 0
	for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || strings.IndexByte("+-:/", s[end]) >= 0) {
		end++
	}
	word, rest := s[:end], s[end:]
	at := strings.IndexAny(word, "+-")
	if at < 0 || strings.Contains(word, "/") {
		if word == "Z" {
			word = "UTC"
		}
		zone, err := time.LoadLocation(word)
		m.zone = zone
		return rest, word != "" && err == nil
	}
	if name := word[:at]; name != "" && name != "UTC" && name != "GMT" && name != "UT" {
		return "", false
	}
	for _, layout := range []string{"-07:00", "-0700", "-07", "-7"} {
		if t, err := time.Parse(layout, word[at:]); err == nil {
			m.zone = t.Location()
			return rest, true
		}
	}
	return "", false
}
