package serial

import (
	"errors"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Connection is one serial port.
type Connection struct {
	Port string `yaml:"serial" required:"true"` // the device node: /dev/ttyS1, better /dev/serial/by-id/...
	Line Line   `yaml:"line"`                   // 9600 8N1
}

// Validate looks at what is written; the port itself is looked at by Open.
func (c *Connection) Validate() error {
	var found mistakes
	found.when(!strings.HasPrefix(c.Port, "/"), "serial", "the port is a path to a device", "as in /dev/ttyS1 or /dev/serial/by-id/usb-...")
	if err := c.Line.validate(); err != nil {
		found.add("line", err, "write it as 9600 8N1 or 9600 7E1")
	}
	return found.joined()
}

// NewDevice gives the defaults of a device.
func (c *Connection) NewDevice() adapters.Device {
	return &Device{Timeout: time.Second, StaleAfter: 3 * time.Second, MaxFrame: 1024}
}

// mistakes gathers what is wrong with settings, each under its key.
type mistakes []error

func (m *mistakes) add(key string, err error, hint string) {
	*m = append(*m, &adapters.KeyError{Key: key, Err: err, Hint: hint})
}

func (m *mistakes) when(wrong bool, key, what, hint string) {
	if wrong {
		m.add(key, errors.New(what), hint)
	}
}

func (m *mistakes) joined() error { return errors.Join(*m...) }
