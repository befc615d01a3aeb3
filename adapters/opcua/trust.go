package opcua

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopcua/opcua/ua"
)

const fingerprintPrefix = "sha256:"

// Fingerprint is a certificate's SHA-256 in the form that `trust` takes.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return fingerprintPrefix + hex.EncodeToString(sum[:])
}

// parseFingerprint reads sha256:HEX, with or without colons between the bytes. A text without the
// prefix is the name of a file and gives an empty fingerprint.
func parseFingerprint(trust string) (string, error) {
	digits, found := strings.CutPrefix(trust, fingerprintPrefix)
	if !found {
		return "", nil
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("%q is no SHA-256 fingerprint: want sha256: and 64 hexadecimal digits", trust)
	}
	return fingerprintPrefix + hex.EncodeToString(raw), nil
}

// PinFile is where the server's certificate is pinned: the file that `trust` names, else one of what the gateway keeps for this
// connection. It is empty when `trust` is a fingerprint, or nothing is kept.
func (c *Connection) PinFile() string {
	switch {
	case strings.HasPrefix(c.Trust, fingerprintPrefix):
		return ""
	case c.Trust != "":
		return c.Trust
	case c.Folder != "":
		return filepath.Join(c.Folder, "trust.der")
	}
	return ""
}

// Pinned is the fingerprint of the certificate that is pinned; empty when none is.
func (c *Connection) Pinned() (string, error) {
	if fingerprint, err := parseFingerprint(c.Trust); fingerprint != "" || err != nil {
		return fingerprint, err
	}
	file := c.PinFile()
	if file == "" {
		return "", nil
	}
	certificate, err := readCertificate(file)
	if errors.Is(err, fs.ErrNotExist) && c.Trust == "" {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("trust: %w", err)
	}
	return Fingerprint(certificate.Raw), nil
}

// readCertificate reads the first certificate of a DER or PEM file.
func readCertificate(file string) (*x509.Certificate, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	certificate, err := leaf(raw)
	if err != nil {
		return nil, fmt.Errorf("%s holds no certificate in DER or PEM: %w", file, err)
	}
	return certificate, nil
}

// serverCertificate is the certificate that an endpoint shows; nil when it shows none.
func serverCertificate(e *ua.EndpointDescription) (*x509.Certificate, error) {
	if len(e.ServerCertificate) == 0 {
		return nil, nil
	}
	certificate, err := leaf(e.ServerCertificate)
	if err != nil {
		return nil, fmt.Errorf("the server shows a certificate that can't be read: %w", err)
	}
	if _, ok := certificate.PublicKey.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("the server's certificate has no RSA key but %s; only RSA is spoken here", certificate.PublicKeyAlgorithm)
	}
	return certificate, nil
}

// leaf is the first certificate of a chain in DER.
func leaf(der []byte) (*x509.Certificate, error) {
	certificates, err := x509.ParseCertificates(der)
	if err != nil {
		return nil, err
	}
	if len(certificates) == 0 {
		return nil, errors.New("it is empty")
	}
	return certificates[0], nil
}

// checkTrust holds the endpoint's certificate against the pinned one. An encrypted connection to a
// server that nobody has vouched for is refused: it would be private with whoever answers.
//
// The pin is enough: our half of the channel's keys goes out encrypted for exactly this certificate,
// so whoever does not have its private key can't answer (OPC 10000-6, 6.7.5).
func (c *Connection) checkTrust(e *ua.EndpointDescription) error {
	pin, err := c.Pinned()
	if err != nil {
		return err
	}
	encrypted := e.SecurityMode != ua.MessageSecurityModeNone
	certificate, err := serverCertificate(e)
	switch {
	case !encrypted && (pin == "" || certificate == nil):
		return nil
	case err != nil:
		return err
	case certificate == nil:
		return errors.New("the server offers encryption but shows no certificate")
	}
	shown := Fingerprint(certificate.Raw)
	switch pin {
	case shown:
		return nil
	case "":
		return fmt.Errorf("the server's certificate (%s, valid until %s) is not trusted yet; compare its fingerprint with the one at the server and pin it (penstock trust), with trust: %s",
			certificate.Subject, certificate.NotAfter.Format("2006-01-02"), shown)
	}
	return fmt.Errorf("the server shows another certificate than the pinned one: %s (%s); if the server was given a new certificate, pin that (penstock trust), otherwise somebody stands in between",
		shown, certificate.Subject)
}

// ServerCertificate fetches the certificate, in DER, that the server shows on the endpoint these settings
// choose, for a person to look at and to pin. Nothing vouches for it yet.
func (c *Connection) ServerCertificate(ctx context.Context) ([]byte, error) {
	endpoint, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	certificate, err := serverCertificate(endpoint)
	if err != nil {
		return nil, err
	}
	if certificate == nil {
		return nil, errors.New("the server shows no certificate")
	}
	return certificate.Raw, nil
}
