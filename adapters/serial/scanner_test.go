package serial

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scanned scans a stream in chunks of n bytes and gives the frames that `is` accepts. A "|" stands for silence.
func scanned(f Frame, limit, n int, stream string, is func(string) bool) ([]string, Dropped) {
	var got []string
	s := NewScanner(f, limit, func(body []byte) bool {
		if !is(string(body)) {
			return false
		}
		got = append(got, string(body))
		return true
	})
	for i, burst := range strings.Split(stream, "|") {
		if i > 0 {
			s.Gap()
		}
		for chunk := range slices.Chunk([]byte(burst), n) {
			s.Feed(chunk)
		}
	}
	return got, s.Dropped()
}

func anything(string) bool { return true }

// guarded is a frame with its checksum and, where there is one, its end.
func guarded(name Checksum, body, end string) string {
	return body + string(checksums[name].of([]byte(body))) + end
}

var toledoFrame = Frame{Start: "\x02", Length: 18, Checksum: "sum7-2c"}

func weight(gross string) string { return guarded("sum7-2c", "\x02\x2a\x20\x20"+gross+"     0\r", "") }

var streams = []struct {
	story  string
	frame  Frame
	max    int
	is     func(string) bool
	stream string
	want   []string
}{
	{"lines", Frame{End: "\r\n"}, 100, anything, "\r\na\r\nbc\r\n\r\n", []string{"a", "bc", ""}},
	{"a line joined in its middle is none", Frame{End: "\r\n"}, 100, anything, "2.5\r\n-12.5\r\n", []string{"-12.5"}},
	{"a line that is too long is dropped to its end", Frame{End: "\n"}, 8, anything, "\n12345678901234567890\nok\n", []string{"ok"}},
	{"start and end", Frame{Start: "<", End: ">"}, 100, anything, "noise<a>more<b>", []string{"<a", "<b"}},
	{"a frame cut off by the next", Frame{Start: "<", End: ">"}, 100, func(s string) bool { return len(s) == 3 }, "<1<23>", []string{"<23"}},
	{"a start without end", Frame{Start: "<", End: ">"}, 8, anything, "<xxxxxxxxxxxxxxxxxxxx<a>", []string{"<a"}},
	{"Toledo, after garbage", toledoFrame, 100, anything, "gar\x02bage" + weight("  1234") + weight("    99"),
		[]string{weight("  1234")[:17], weight("    99")[:17]}},
	{"Toledo, a frame cut short by an unplugged wire", toledoFrame, 100, anything, weight("  1234")[:9] + weight("    99") + weight("   100"),
		[]string{weight("    99")[:17], weight("   100")[:17]}},
	{"Toledo, one byte wrong", toledoFrame, 100, anything, strings.Replace(weight("  1234"), "3", "8", 1) + weight("    99"), []string{weight("    99")[:17]}},
	{"a checksum that looks like the end", Frame{Start: "#", End: "\r", Checksum: "sum8"}, 100, anything, guarded("sum8", "#\xea", "\r") + guarded("sum8", "#1", "\r"), []string{"#\xea", "#1"}},
	{"a checksum that looks like the end, both bytes", Frame{Start: "#", End: "\r", Checksum: "sum8"}, 100, anything, "#bad\rx" + guarded("sum8", "#1", "\r"), []string{"#1"}},
	{"hex digits before the end", Frame{Start: "#", End: "\r\n", Checksum: "xor8-hex"}, 100, anything, guarded("xor8-hex", "#12.5", "\r\n"), []string{"#12.5"}},
	{"silence", Frame{Idle: 1}, 100, anything, "|abc|d||ef", []string{"abc", "d"}},
	{"silence, too long", Frame{Idle: 1}, 4, anything, "|abcdefghijk|d|", []string{"d"}},
	{"a start of two bytes", Frame{Start: "\xaa\x55", Length: 4}, 100, anything, "\xaa\xaa\x55ab\xaa\xaa\x55cd", []string{"\xaaUab", "\xaaUcd"}},
}

func TestFramesAreFoundWhateverTheChunks(t *testing.T) {
	for _, c := range streams {
		t.Run(c.story, func(t *testing.T) {
			frame := c.frame
			for i, r := range c.want { // bytes are written in the table, characters are what a Frame has
				c.want[i] = strings.ReplaceAll(r, "\xaaU", "\xaa\x55")
			}
			frame.Start, frame.End = characters([]byte(frame.Start)), characters([]byte(frame.End))
			for n := 1; n < 40; n++ {
				if got, dropped := scanned(frame, c.max, n, c.stream, c.is); !slices.Equal(got, c.want) {
					t.Fatalf("in chunks of %d: %q; want %q (dropped: %+v)", n, got, c.want, dropped)
				}
			}
		})
	}
}

func TestWhatIsDroppedIsCounted(t *testing.T) {
	stream := "\x02oops" + strings.Replace(weight("  1234"), "3", "8", 1) + weight("    99")
	_, dropped := scanned(toledoFrame, 100, 7, stream, anything)
	if dropped.Checksum == 0 || dropped.Noise != uint64(len(stream)-18) {
		t.Errorf("dropped %+v; want a wrong checksum and %d bytes of noise", dropped, len(stream)-18)
	}
	_, dropped = scanned(Frame{End: "\n"}, 8, 3, "\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nno\n", func(string) bool { return false })
	if dropped.Overlong != 1 || dropped.Unmatched != 1 {
		t.Errorf("dropped %+v; want one line too long and one that does not match", dropped)
	}
}

// fuzzFrames are the frames that the fuzz target scans for: every way of ending, with and without checksums.
var fuzzFrames = []Frame{
	{End: "\n"}, {End: "\r\n", Checksum: "sum8"}, {Start: "<", End: ">"}, {Start: "<", End: ">", Checksum: "xor8"}, {Start: "<", End: ">", Checksum: "crc16-modbus-hex"},
	{Start: "\x02", Length: 8}, {Start: "\x02", Length: 8, Checksum: "sum7-2c"}, {Start: "\x02\x02", Length: 9, Checksum: "crc16-ccitt"}, {Idle: 1}, {End: "aa", Checksum: "crc16-modbus"},
}

func FuzzScanner(f *testing.F) {
	for i := range fuzzFrames {
		f.Add(uint8(i), uint8(3), []byte("<12>\x02abcdefg\x02\x02hij\r\n\r\r\n<<3>aaa aa\n"))
	}
	f.Fuzz(func(t *testing.T, which, size uint8, stream []byte) {
		const limit = 32
		frame := fuzzFrames[int(which)%len(fuzzFrames)]
		is := func(s string) bool { return len(s)%3 != 1 } // some are not what the device sends
		whole, dropped := scanned(frame, limit, len(stream)+1, string(bytes.ReplaceAll(stream, []byte("|"), nil)), is)
		parts, droppedInParts := scanned(frame, limit, int(size)+1, string(bytes.ReplaceAll(stream, []byte("|"), nil)), is)
		if !slices.Equal(whole, parts) || dropped != droppedInParts {
			t.Fatalf("%+v: in one chunk %q %+v, in chunks of %d %q %+v", frame, whole, dropped, int(size)+1, parts, droppedInParts)
		}
		s := NewScanner(frame, limit, func(body []byte) bool {
			if len(body) > limit+4 {
				t.Fatalf("%+v: a frame of %d bytes, and max is %d", frame, len(body), limit)
			}
			return is(string(body))
		})
		s.Feed(stream)
		if cap(s.buf) > 8*limit {
			t.Fatalf("%+v: holds %d bytes, and max is %d", frame, cap(s.buf), limit)
		}
	})
}

// After any garbage, frames with a start are found again: the second of two at the latest, when the first was taken for part of the garbage.
func FuzzScannerFindsBack(f *testing.F) {
	f.Add([]byte("\x02\x02 12\x02\r"))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		stream := string(bytes.ReplaceAll(garbage, []byte("|"), nil)) + weight("  1234") + weight("    99")
		got, _ := scanned(toledoFrame, 64, 5, stream, anything)
		if len(got) == 0 || got[len(got)-1] != weight("    99")[:17] {
			t.Fatalf("after %q: %q; want the last frame to be found", garbage, got)
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	stream := []byte(strings.Repeat(weight("  1234"), 100))
	frames := 0
	s := NewScanner(toledoFrame, 1024, func([]byte) bool { frames++; return true })
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		s.Feed(stream)
	}
	if frames != 100*b.N {
		b.Fatal(fmt.Sprint(frames, " frames"))
	}
}
