package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Connection is the settings of one socket or one serial bus.
type Connection struct {
	Modbus  Mode          `yaml:"modbus" required:"true"`
	Address string        `yaml:"address"` // host or host:port; the port is 502 when it is left out, 802 for tls
	Cert    string        `yaml:"cert"`    // of tls: our own certificate, PEM
	Key     string        `yaml:"key"`     // of tls: its key, PEM
	CA      string        `yaml:"ca"`      // of tls: who has signed the device's certificate, PEM
	Port    string        `yaml:"port"`    // the serial device
	Line    Line          `yaml:"line"`    // default 19200 8E1, which the standard demands
	Timeout time.Duration `yaml:"timeout"` // default 300ms on a serial line, else 1s
	Retries int           `yaml:"retries"` // after silence or a broken answer; default 1
	Pause   time.Duration `yaml:"pause"`   // silence between requests, for slow devices
}

// The ports of Modbus TCP and of Modbus/TCP Security.
const (
	standardPort = "502"
	securePort   = "802"
)

// Validate joins all mistakes.
func (c *Connection) Validate() error {
	var all []error
	wrong := func(key, hint, format string, args ...any) {
		all = append(all, &adapters.KeyError{Key: key, Err: fmt.Errorf(format, args...), Hint: hint})
	}
	switch c.Modbus {
	case TCP, TLS, RTUOverTCP, RTUOverUDP:
		c.validateNetwork(wrong)
	case RTU:
		c.validateSerial(wrong)
	default:
		wrong("modbus", "write "+modeList, "the kind of Modbus is missing")
	}
	if c.Timeout < 0 || c.Timeout > 0 && c.Timeout < 5*time.Millisecond || c.Timeout > time.Minute {
		wrong("timeout", "write 300ms or 1s, for instance", "%v is no sensible timeout", c.Timeout)
	}
	if c.Retries < 0 || c.Retries > 10 {
		wrong("retries", "write 0 to 10", "%d is no number of retries", c.Retries)
	}
	if c.Pause < 0 || c.Pause > time.Second {
		wrong("pause", "write at most 1s", "%v is no sensible pause between requests", c.Pause)
	}
	return errors.Join(all...)
}

type wrongFunc func(key, hint, format string, args ...any)

func (c *Connection) validateNetwork(wrong wrongFunc) {
	if c.Address == "" {
		wrong("address", `write "host:502"`, "%s needs an address", c.Modbus)
	} else if err := c.checkAddress(); err != nil {
		wrong("address", `write "host:502"`, "%w", err)
	}
	c.validateTLS(wrong)
	if c.Port != "" {
		wrong("port", "address goes with "+string(c.Modbus)+"; port is a serial device, as in /dev/ttyUSB0, and goes with rtu", "%s has no serial port", c.Modbus)
	}
	if c.Line != (Line{}) {
		wrong("line", "leave it out; the device server at the address is set up on its own page", "%s has no serial line", c.Modbus)
	}
}

func (c *Connection) validateSerial(wrong wrongFunc) {
	if c.Port == "" {
		wrong("port", "write the serial device, as in /dev/ttyUSB0 or /dev/serial/by-id/...", "rtu needs a port")
	}
	if c.Address != "" {
		wrong("address", "port and line go with rtu; for a device server in between write modbus: rtu-over-tcp", "rtu has no address")
	}
	if c.Line.Data == 7 {
		wrong("line", "write 8 data bits, as in \"19200 8E1\"", "rtu can't use 7 data bits")
	}
}

func (c *Connection) checkAddress() error {
	host, port, err := net.SplitHostPort(c.withPort())
	switch {
	case err != nil:
		return fmt.Errorf("%q is no address", c.Address)
	case host == "":
		return fmt.Errorf("%q names no host", c.Address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q is no port", port)
	}
	return nil
}

// withPort is the address with Modbus's own port where none is given.
func (c *Connection) withPort() string {
	if _, _, err := net.SplitHostPort(c.Address); err == nil {
		return c.Address
	}
	port := standardPort
	if c.Modbus == TLS {
		port = securePort
	}
	if joined := net.JoinHostPort(c.Address, port); net.ParseIP(c.Address) != nil {
		return joined
	}
	return c.Address + ":" + port
}

// NewDevice gives the defaults of a device on this connection.
func (c *Connection) NewDevice() adapters.Device {
	return &Device{Unit: 1, MaxBlock: maxRegisters, Gap: measured, Modules: 2, connection: c}
}

// timeout is how long an answer may take to begin.
func (c *Connection) timeout() time.Duration {
	switch {
	case c.Timeout > 0:
		return c.Timeout
	case c.Modbus == RTU:
		return 300 * time.Millisecond
	}
	return time.Second
}

func (c *Connection) line() Line {
	if c.Line == (Line{}) {
		return Line{Baud: 19200, Data: 8, Parity: 'E', Stop: 1}
	}
	return c.Line
}

// Open connects, or opens the serial port.
func (c *Connection) Open(ctx context.Context, log *slog.Logger) (adapters.Adapter, error) {
	l, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return &adapter{bus: bus{link: l, retries: c.Retries, network: c.Modbus != RTU}, log: log, price: c.startingPrice(), known: map[string]*knowledge{}}, nil
}

func (c *Connection) openSerial(ctx context.Context) (link, error) {
	line := c.line()
	port, err := openPort(c.Port, line)
	if err != nil {
		return nil, err
	}
	w := &wire{stream: port, timeout: c.timeout()}
	return c.settle(ctx, newRTULink(w, timing{character: line.character(), silence: max(line.silence(), c.Pause)}))
}

// settle lets pass what is still under way from the time before this connection.
func (c *Connection) settle(ctx context.Context, l *rtuLink) (link, error) {
	l.watch(ctx)
	if err := l.listen(ctx, min(c.timeout(), longestOpening)); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen to the line before using it: %w", err)
	}
	return l, nil
}

// longestOpening bounds how long a new connection listens before it speaks.
const longestOpening = 300 * time.Millisecond
