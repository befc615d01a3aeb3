package opcua

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Kind is OPC UA as the gateway knows it.
func Kind() adapters.Kind {
	return adapters.Kind{
		Name: "opcua",
		Doc:  "OPC UA client: read by interval and subscribed, encrypted with a pinned server certificate",
		New: func() adapters.Connection {
			return &Connection{Security: Auto, Publish: 500 * time.Millisecond, Timeout: 5 * time.Second, Watch: 3 * time.Second}
		},
	}
}

// Connection is the settings of one OPC UA server.
type Connection struct {
	URL      string   `yaml:"opcua" required:"true"` // opc.tcp://host:4840
	Security Security `yaml:"security"`              // Policy/Mode, auto or None
	Insecure bool     `yaml:"insecure"`              // None may be used: anybody on the way can read and change everything

	User         string `yaml:"user"` // empty: an anonymous session
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`

	Trust string `yaml:"trust"` // the server's certificate: a DER or PEM file, or sha256:FINGERPRINT
	Cert  string `yaml:"cert"`  // our own certificate, DER or PEM, with Key
	Key   string `yaml:"key"`
	PKI   string `yaml:"pki"` // without Cert: the folder where our own certificate is made once and kept; empty: Folder

	UserCert string `yaml:"user_cert"` // instead of User: a certificate that stands for the user, DER or PEM, with UserKey
	UserKey  string `yaml:"user_key"`

	Publish time.Duration `yaml:"publish"` // how often the server sends what changed
	Timeout time.Duration `yaml:"timeout"` // of one request
	Watch   time.Duration `yaml:"watch"`   // how often a subscribed server is asked whether it is still there

	Folder string `yaml:"-"` // what the gateway keeps for this connection between two runs; empty: nothing is kept
}

// Keep names the folder for what must be the same at the next run.
func (c *Connection) Keep(folder string) { c.Folder = folder }

// NewDevice gives the defaults of a device.
func (c *Connection) NewDevice() adapters.Device { return &Device{connection: c} }

// Validate reports every mistake, each as an *adapters.KeyError.
func (c *Connection) Validate() error {
	var mistakes []error
	wrong := func(key, hint string, err error) {
		if err != nil {
			mistakes = append(mistakes, &adapters.KeyError{Key: key, Err: err, Hint: hint})
		}
	}
	wrong("opcua", "for example opc.tcp://10.7.2.20:4840", checkURL(c.URL))
	wrong("security", "auto, or a pair such as Basic256Sha256/SignAndEncrypt", c.Security.check())
	if c.Security.isNone() && !c.Insecure {
		wrong("security", "use auto, or add insecure: true", errors.New("None sends everything, passwords included, for anybody to read and change"))
	}
	for _, mistake := range c.credentialMistakes() {
		wrong(mistake.key, "", mistake.err)
	}
	wrong("publish", "for example 500ms", atLeast(c.Publish, 10*time.Millisecond))
	wrong("timeout", "for example 5s", atLeast(c.Timeout, 10*time.Millisecond))
	wrong("watch", "for example 3s", atLeast(c.Watch, 10*time.Millisecond))
	return errors.Join(mistakes...)
}

type keyMistake struct {
	key string
	err error
}

func (c *Connection) credentialMistakes() []keyMistake {
	var found []keyMistake
	add := func(wrong bool, key, text string) {
		if wrong {
			found = append(found, keyMistake{key, errors.New(text)})
		}
	}
	hasPassword := c.Password != "" || c.PasswordFile != ""
	add(c.Password != "" && c.PasswordFile != "", "password", "password and password_file are both given; keep one")
	add(hasPassword && c.User == "", "user", "there is a password but no user")
	add(c.User != "" && !hasPassword, "password_file", "there is a user but no password")
	add(c.Cert != "" && c.Key == "", "key", "cert needs its key")
	add(c.Key != "" && c.Cert == "", "cert", "key needs its cert")
	add(c.UserCert != "" && c.UserKey == "", "user_key", "user_cert needs its key")
	add(c.UserKey != "" && c.UserCert == "", "user_cert", "user_key needs its certificate")
	add(c.UserCert != "" && (c.User != "" || hasPassword), "user_cert", "there are a user and a certificate for the user; keep one")
	add(c.Cert != "" && c.PKI != "", "pki", "pki keeps a certificate made here; leave it out beside cert")
	if c.Trust != "" {
		if _, err := parseFingerprint(c.Trust); err != nil {
			found = append(found, keyMistake{"trust", err})
		}
	}
	return found
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no URL", text)
	case u.Scheme != "opc.tcp":
		return fmt.Errorf("%q is not of the form opc.tcp://host:port; other transports are not spoken here", text)
	case u.Hostname() == "":
		return fmt.Errorf("%q names no host", text)
	case u.User != nil:
		return fmt.Errorf("%q carries a password; use user and password_file", u.Redacted())
	}
	return nil
}

func atLeast(d, least time.Duration) error {
	if d < least {
		return fmt.Errorf("%s is less than %s", d, least)
	}
	return nil
}
