package config

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// plainKind takes a key of every type that adapters use.
func plainKind() adapters.Kind {
	return adapters.Kind{Name: "modbus", New: func() adapters.Connection { return &plainConnection{} }}
}

type plainConnection struct {
	Modbus  string        `yaml:"modbus" required:"true"`
	Address string        `yaml:"address"`
	Timeout time.Duration `yaml:"timeout"`
	Retries int8          `yaml:"retries"`
	Secure  bool          `yaml:"secure"`
}

func (*plainConnection) Validate() error            { return nil }
func (*plainConnection) NewDevice() adapters.Device { return &plainDevice{} }
func (*plainConnection) Open(context.Context, *slog.Logger) (adapters.Adapter, error) {
	return nil, errors.New("nothing to open")
}

type plainDevice struct {
	Unit  uint8      `yaml:"unit"`
	Order string     `yaml:"order"`
	Frame plainFrame `yaml:"frame"`
}

type plainFrame struct {
	Start  string   `yaml:"start"`
	Length *int     `yaml:"length"`
	Any    []uint64 `yaml:"any"`
}

func (*plainDevice) Validate() error         { return nil }
func (*plainDevice) NewPoint() adapters.Spec { return &plainSpec{} }

type plainSpec struct {
	At    string         `yaml:"at" required:"true"`
	Type  string         `yaml:"type"`
	Scale float64        `yaml:"scale"`
	Bits  map[int]string `yaml:"bits"`
}

func (*plainSpec) Validate() error  { return nil }
func (*plainSpec) Pushed() bool     { return false }
func (*plainSpec) Writable() error  { return nil }
func (s *plainSpec) String() string { return s.At }
func (s *plainSpec) Expand(string) map[string]adapters.Spec {
	more := map[string]adapters.Spec{}
	for _, name := range s.Bits {
		more[name] = &plainSpec{At: s.At}
	}
	return more
}
