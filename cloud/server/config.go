package server

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// Config is cloud.yaml. Paths are relative to the file's folder.
type Config struct {
	Version int      `yaml:"version"`
	Listen  Listen   `yaml:"listen"`
	Names   []string `yaml:"names"`  // what clients call this server by: DNS names and addresses
	Public  Public   `yaml:"public"` // what enrolled gateways are told
	PKI     string   `yaml:"pki"`
	Data    string   `yaml:"data"`
	Admin   Admin    `yaml:"admin"`
	Rules   Rules    `yaml:"rules"`

	file string // for messages
}

// Listen is where the server listens; port 0 is any free one.
type Listen struct {
	MQTT  string `yaml:"mqtt"`
	HTTPS string `yaml:"https"`
}

// Public is where others reach the server, when that is not its first name and the port it listens on.
type Public struct {
	MQTT string `yaml:"mqtt"` // mqtts://host:port
}

// Admin is who may do everything.
type Admin struct {
	TokenHash string `yaml:"token_hash"` // "sha256:" and the hex SHA-256 of the token
}

// Defaults are the values of keys that a file does not give.
func Defaults() Config {
	return Config{
		Version: 1,
		Listen:  Listen{MQTT: "127.0.0.1:8883", HTTPS: "127.0.0.1:8443"},
		Names:   []string{"localhost", "127.0.0.1"},
		PKI:     "pki", Data: "data",
		Rules: Rules{Webhooks: []string{}, Keys: map[string]string{}},
	}
}

// maxConfig bounds the file: it has a dozen keys.
const maxConfig = 1 << 20

// Load reads cloud.yaml. Every mistake is named, with its place.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, fmt.Errorf("%w: run \"penstock-cloud init --dir DIR\" first, or name the file with -c", err)
	}
	if err != nil {
		return Config{}, err
	}
	config, err := parse(path, text)
	if err != nil {
		return Config{}, err
	}
	dir := filepath.Dir(path)
	config.PKI, config.Data = below(dir, config.PKI), below(dir, config.Data)
	return config, nil
}

func parse(path string, text []byte) (Config, error) {
	config := Defaults()
	config.file = path
	if len(text) > maxConfig {
		return config, fmt.Errorf("%s: larger than 1 MiB: is it the right file?", path)
	}
	if err := decode(text, &config); err != nil {
		return config, place(path, err)
	}
	if err := config.validate(); err != nil {
		return config, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// decode reads YAML. The library panics on some that is out of the ordinary (a tag before a list: testdata/fuzz); that is an error of the
// file too.
func decode(text []byte, into *Config) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("this YAML is beyond what can be read: leave out tags (!...) and anchors (%v)", fault)
		}
	}()
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(into)
	if errors.Is(err, io.EOF) { // an empty file has every default
		return nil
	}
	return err
}

// place puts the file before what the YAML library says: FILE:LINE:COLUMN: what.
func place(path string, err error) error {
	var bad yaml.Error
	if !errors.As(err, &bad) || bad.GetToken() == nil || bad.GetToken().Position == nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	at := bad.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", path, at.Line, at.Column, bad.GetMessage())
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func (c Config) validate() error {
	var errs []error
	if c.Version != 1 {
		errs = append(errs, fmt.Errorf("version: %d is not known to this penstock-cloud; it knows 1", c.Version))
	}
	for key, address := range map[string]string{"mqtt": c.Listen.MQTT, "https": c.Listen.HTTPS} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("listen: %s: %q is no HOST:PORT, as in 0.0.0.0:8883", key, address))
		}
	}
	if len(c.Names) == 0 {
		errs = append(errs, errors.New("names: give a DNS name or an address at least that clients call this server by"))
	}
	for _, name := range c.Names {
		if net.ParseIP(name) == nil && !hostName(name) {
			errs = append(errs, fmt.Errorf("names: %q is neither a DNS name nor an IP address; a port does not belong to it", name))
		}
	}
	if u, err := url.Parse(c.Public.MQTT); c.Public.MQTT != "" && (err != nil || u.Scheme != "mqtts" || u.Host == "") {
		errs = append(errs, fmt.Errorf("public: mqtt: %q is not as mqtts://iot.example.com:8883", c.Public.MQTT))
	}
	if _, err := c.Admin.hash(); err != nil {
		errs = append(errs, err)
	}
	if c.PKI == "" || c.Data == "" {
		errs = append(errs, errors.New("pki and data: each names a folder"))
	}
	return errors.Join(errs...)
}

func (a Admin) hash() (sum [32]byte, err error) {
	digits, found := strings.CutPrefix(a.TokenHash, "sha256:")
	raw, err := hex.DecodeString(digits)
	if err != nil || !found || len(raw) != len(sum) {
		return sum, errors.New(`admin: token_hash: "sha256:" and the 64 hex digits of the token's SHA-256 are wanted: printf %s "$TOKEN" | sha256sum`)
	}
	return [32]byte(raw), nil
}

func hostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}

// dir is the folder that paths are relative to.
func (c Config) dir() string { return filepath.Dir(c.file) }

func (c Config) pkiFile(name string) string  { return filepath.Join(c.PKI, name) }
func (c Config) dataFile(name string) string { return filepath.Join(c.Data, name) }
