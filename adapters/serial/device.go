package serial

import (
	"fmt"
	"regexp"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Device is how one piece of equipment talks: what a frame is, and where the values stand in it.
type Device struct {
	Protocol   string        `yaml:"protocol"` // nmea0183: frame and values are that protocol's; empty: as described here
	Frame      Frame         `yaml:"frame"`
	Send       string        `yaml:"send"`        // the question of a device that must be asked; empty: it talks by itself
	Match      string        `yaml:"match"`       // an expression with a named group for each value; empty: values stand in fixed bytes
	Timeout    time.Duration `yaml:"timeout"`     // for an answer
	StaleAfter time.Duration `yaml:"stale_after"` // silence of a talking device after which its points are bad
	MaxFrame   int           `yaml:"max_frame"`   // bytes
}

// largestFrame bounds max_frame, and with it what a line full of noise can take in memory and time.
const largestFrame = 16 << 10

// Validate finds every mistake.
func (d *Device) Validate() error {
	var found mistakes
	if d.Protocol == "" {
		d.Frame.validate(&found, d.MaxFrame)
		d.validateMatch(&found)
	} else {
		d.validateProtocol(&found)
	}
	if _, err := latin1(d.Send); err != nil {
		found.add("send", err, byteHint)
	}
	found.when(d.Timeout <= 0, "timeout", "the time for an answer is not positive", "as in 1s")
	found.when(d.StaleAfter <= 0, "stale_after", "the time of silence is not positive", "as in 3s")
	found.when(d.MaxFrame < 1 || d.MaxFrame > largestFrame, "max_frame", fmt.Sprintf("%d bytes are out of bounds", d.MaxFrame), fmt.Sprintf("1 to %d", largestFrame))
	return found.joined()
}

func (d *Device) validateMatch(found *mistakes) {
	if d.Match == "" {
		return
	}
	re, err := regexp.Compile(d.Match)
	if err != nil {
		found.add("match", err, "a regular expression as Go reads it, in single quotes")
		return
	}
	found.when(len(expression{re}.names()) == 0, "match", "the expression names no group", `name what is a value, as in (?P<gross>[ \d]{6})`)
}

func (d *Device) validateProtocol(found *mistakes) {
	found.when(d.Protocol != nmea0183, "protocol", fmt.Sprintf("there is no protocol %q on a serial line", d.Protocol), "write nmea0183, or describe the device with frame and match")
	found.when(d.Frame != (Frame{}), "frame", "the protocol says what a frame is", "take it out")
	found.when(d.Match != "", "match", "the protocol says where the values stand", "take it out")
}

// framing is what a frame of the device is.
func (d *Device) framing() Frame {
	if d.Protocol == nmea0183 {
		return nmeaFrame
	}
	return d.Frame
}

// NewPoint gives the defaults of a point of this device.
func (d *Device) NewPoint() adapters.Spec { return &Spec{Scale: 1, Bit: noBit, device: d} }

// asked reports whether the device must be asked.
func (d *Device) asked() bool { return d.Send != "" }

const byteHint = `one character is one byte, "\x00" to "\xff"`

// latin1 gives the bytes of a text from YAML, where "\xff" is a character and not a byte: one character is one byte.
func latin1(text string) ([]byte, error) {
	bytes := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("the character %q does not fit into a byte", r)
		}
		bytes = append(bytes, byte(r))
	}
	return bytes, nil
}

// characters is latin1's way back: every byte becomes one character, whatever it is, so that `.` in an expression is one byte.
func characters(bytes []byte) string {
	runes := make([]rune, len(bytes))
	for i, b := range bytes {
		runes[i] = rune(b)
	}
	return string(runes)
}
