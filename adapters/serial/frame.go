package serial

import (
	"fmt"
	"time"
)

// Frame says where a frame begins and ends. Exactly one of End, Length and Idle ends it.
type Frame struct {
	Start    string        `yaml:"start"`    // first bytes; needed with Length, possible with End
	End      string        `yaml:"end"`      // last bytes: "\r\n" for lines
	Length   int           `yaml:"length"`   // bytes in all, start and checksum with them
	Idle     time.Duration `yaml:"idle"`     // silence on the line that ends a frame
	Checksum Checksum      `yaml:"checksum"` // of all bytes before it, start with them; the last bytes, or the last before End
}

func (f Frame) validate(found *mistakes, maxFrame int) {
	ends := 0
	for _, given := range []bool{f.End != "", f.Length != 0, f.Idle != 0} {
		if given {
			ends++
		}
	}
	found.when(ends == 0, "frame", "nothing says where a frame ends", `give end: "\r\n", start and length, or idle: 20ms`)
	found.when(ends > 1, "frame", "two things say where a frame ends", "give one of end, length and idle")
	found.when(f.Length != 0 && f.Start == "", "frame.start", "a frame of fixed length needs a start to be found by", `as in start: "\x02"`)
	found.when(f.Idle != 0 && f.Start != "", "frame.start", "a frame that silence ends begins where it begins", "leave start out")
	found.when(f.Idle < 0, "frame.idle", "the silence is not positive", "as in 20ms")
	found.when(f.Length < 0, "frame.length", "the length is negative", "the bytes of the whole frame")
	found.when(f.Length > maxFrame, "frame.length", fmt.Sprintf("%d is more than max_frame, %d", f.Length, maxFrame), "raise max_frame")
	sum, known := checksums[f.Checksum]
	found.when(!known, "frame.checksum", fmt.Sprintf("there is no checksum %q", f.Checksum), "one of "+checksumNames())
	found.when(f.Length > 0 && f.Length <= len(f.Start)+sum.size, "frame.length", "start and checksum leave no room for a value", "the bytes of the whole frame")
	if _, err := latin1(f.Start); err != nil {
		found.add("frame.start", err, byteHint)
	}
	if _, err := latin1(f.End); err != nil {
		found.add("frame.end", err, byteHint)
	}
}
