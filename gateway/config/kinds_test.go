package config_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// The protocols of these tests: a polled one with every sort of key that adapters have, and one whose
// devices speak by themselves. Neither opens anything.

func fakeKinds() []adapters.Kind {
	return []adapters.Kind{
		{Name: "modbus", New: func() adapters.Connection { return &busConnection{Timeout: time.Second, Retries: 1} }},
		{Name: "talker", New: func() adapters.Connection { return &talkConnection{} }},
	}
}

type closed struct{}

func (closed) Open(context.Context, *slog.Logger) (adapters.Adapter, error) {
	return nil, errors.New("a fake has no wire")
}

type busConnection struct {
	closed
	Mode         string        `yaml:"modbus" required:"true"`
	Address      string        `yaml:"address"`
	Port         string        `yaml:"port"`
	Line         string        `yaml:"line"`
	Timeout      time.Duration `yaml:"timeout"`
	Retries      uint8         `yaml:"retries"`
	User         string        `yaml:"user"`
	Password     string        `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	Trust        string        `yaml:"trust"`
	Insecure     bool          `yaml:"insecure"`
}

func (c *busConnection) Validate() error {
	var errs []error
	if c.Mode != "tcp" && c.Mode != "rtu" {
		errs = append(errs, &adapters.KeyError{Key: "modbus", Err: fmt.Errorf("%q is no way to speak Modbus", c.Mode), Hint: "write tcp or rtu"})
	}
	if c.Mode == "tcp" && c.Address == "" {
		errs = append(errs, &adapters.KeyError{Key: "address", Err: errors.New("tcp needs an address"), Hint: "write address: \"10.7.2.11:502\""})
	}
	if c.Mode == "rtu" && c.Port == "" {
		errs = append(errs, &adapters.KeyError{Key: "port", Err: errors.New("rtu needs a port"), Hint: "write port: /dev/ttyS1"})
	}
	return errors.Join(errs...)
}

func (c *busConnection) NewDevice() adapters.Device { return &busDevice{Unit: 1, Order: "ABCD"} }

type busDevice struct {
	Unit  uint8  `yaml:"unit"`
	Order string `yaml:"order"`
	Frame frame  `yaml:"frame"`
}

type frame struct {
	Start  string        `yaml:"start"`
	Length int           `yaml:"length"`
	Idle   time.Duration `yaml:"idle"`
	Any    []string      `yaml:"any"`
}

func (d *busDevice) Validate() error {
	var errs []error
	if d.Unit > 247 {
		errs = append(errs, &adapters.KeyError{Key: "unit", Err: fmt.Errorf("%d is beyond 247", d.Unit)})
	}
	switch d.Order {
	case "ABCD", "CDAB", "BADC", "DCBA":
	default:
		errs = append(errs, &adapters.KeyError{Key: "order", Err: fmt.Errorf("%q is no order", d.Order), Hint: "write ABCD, CDAB, BADC or DCBA"})
	}
	if d.Frame.Length < 0 {
		errs = append(errs, &adapters.KeyError{Key: "frame.length", Err: errors.New("a frame is not shorter than nothing")})
	}
	return errors.Join(errs...)
}

func (d *busDevice) NewPoint() adapters.Spec {
	return &busSpec{order: d.Order, Type: "uint16", Bit: -1}
}

type register struct {
	table  string
	number int
}

func (r *register) UnmarshalText(text []byte) error {
	table, number, ok := strings.Cut(string(text), ":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 || n > 65535 {
		return &adapters.KeyError{Err: fmt.Errorf("%q is no register", text), Hint: "write hr:100"}
	}
	*r = register{table, n}
	return nil
}

type busSpec struct {
	order string
	At    register       `yaml:"at" required:"true"`
	Type  string         `yaml:"type"`
	Scale float64        `yaml:"scale"`
	Bit   int8           `yaml:"bit"`
	Bits  map[int]string `yaml:"bits"`
}

func (s *busSpec) Validate() error {
	if s.Type == "string" && s.Scale != 0 {
		return &adapters.KeyError{Key: "scale", Err: errors.New("a text has no scale"), Hint: "take it out"}
	}
	return nil
}

func (s *busSpec) Pushed() bool { return false }

func (s *busSpec) Writable() error {
	if s.At.table == "ir" || s.At.table == "di" {
		return errors.New("input registers can only be read")
	}
	return nil
}

func (s *busSpec) String() string { return fmt.Sprintf("%s:%d", s.At.table, s.At.number) }

func (s *busSpec) Expand(string) map[string]adapters.Spec {
	more := map[string]adapters.Spec{}
	for bit, name := range s.Bits {
		more[name] = &busSpec{At: s.At, Type: "bool", Bit: int8(bit)}
	}
	return more
}

type talkConnection struct {
	closed
	Port string `yaml:"talker" required:"true"`
}

func (c *talkConnection) Validate() error            { return nil }
func (c *talkConnection) NewDevice() adapters.Device { return &talkDevice{} }

type talkDevice struct{}

func (d *talkDevice) Validate() error         { return nil }
func (d *talkDevice) NewPoint() adapters.Spec { return &talkSpec{} }

type talkSpec struct {
	At string `yaml:"at" required:"true"`
}

func (s *talkSpec) Validate() error { return nil }
func (s *talkSpec) Pushed() bool    { return true }
func (s *talkSpec) Writable() error {
	return errors.New("what a device says by itself can't be written")
}
func (s *talkSpec) String() string { return s.At }
