package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Bounds of a birth: bytes of JSON before compression, and commas in it. A comma stands before every further member of
// anything, so their number bounds the memory that the JSON turns into.
const (
	MaxBirth      = 16 << 20
	maxBirthItems = 1 << 20
)

// Birth is what a gateway says of itself on connecting: who it is and which points it has.
type Birth struct {
	Gateway string        `json:"gateway"`
	Version string        `json:"version"`
	Site    string        `json:"site,omitempty"`
	Started time.Time     `json:"started"`
	Devices []BirthDevice `json:"devices"`
}

// BirthDevice is a device behind a gateway.
type BirthDevice struct {
	Name       string            `json:"name"`
	Connection string            `json:"connection"`
	Kind       string            `json:"kind"` // the connection's protocol: modbus, opcua, serial
	Tags       map[string]string `json:"tags,omitempty"`
	Points     []BirthPoint      `json:"points"`
}

// BirthPoint is a point of a device.
type BirthPoint struct {
	Name   string           `json:"name"`
	Unit   string           `json:"unit,omitempty"`
	Type   string           `json:"type,omitempty"`
	ScanMS int64            `json:"scan_ms,omitempty"` // 0: the device sends it by itself
	Access string           `json:"access,omitempty"`  // r or rw
	Where  string           `json:"where,omitempty"`   // as an engineer writes it: hr:104
	Enum   map[int64]string `json:"enum,omitempty"`
	Range  *BirthRange      `json:"range,omitempty"`

	Shadow  bool `json:"shadow,omitempty"`  // the desired state of the device's shadow may write it
	Report  bool `json:"report,omitempty"`  // its value is in the reported state
	Command bool `json:"command,omitempty"` // a command may write it
}

// BirthRange is a point's limits, both included.
type BirthRange struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// EncodeBirth writes a birth: JSON, then zstd.
func EncodeBirth(b Birth) ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode the birth of %s: %w", b.Gateway, err)
	}
	if err := checkBirth(text); err != nil {
		return nil, fmt.Errorf("encode the birth of %s: %w; spread its points over several gateways", b.Gateway, err)
	}
	z := newCompressor(Smallest)
	defer z.Close()
	return z.EncodeAll(text, nil), nil
}

// DecodeBirth reads what EncodeBirth wrote.
func DecodeBirth(data []byte) (Birth, error) {
	text, err := inflate(data, MaxBirth)
	if err != nil {
		return Birth{}, fmt.Errorf("decode a birth: it is no zstd frame of at most %d bytes: %w", MaxBirth, err)
	}
	if err := checkBirth(text); err != nil {
		return Birth{}, fmt.Errorf("decode a birth: %w", err)
	}
	var b Birth
	if err := json.Unmarshal(text, &b); err != nil {
		return Birth{}, fmt.Errorf("decode a birth: %w", err)
	}
	if !ValidName(b.Gateway) {
		return Birth{}, fmt.Errorf("decode a birth: the gateway's name %.130q is not 1 to %d of a-z A-Z 0-9 : _ -", b.Gateway, MaxThing)
	}
	return b, nil
}

func checkBirth(text []byte) error {
	if n := bytes.Count(text, []byte{','}); len(text) > MaxBirth || n > maxBirthItems {
		return fmt.Errorf("it has %d bytes and %d items; %d and %d are the most", len(text), n, MaxBirth, maxBirthItems)
	}
	return nil
}

// inflate undoes zstd frames of at most most bytes together.
func inflate(data []byte, most uint64) ([]byte, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(most))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(data, nil)
}
