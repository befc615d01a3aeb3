package opcua

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// identity is our own application instance certificate (OPC 10000-6, 6.2.2), by which a server knows us.
type identity struct {
	der []byte
	key *rsa.PrivateKey
	uri string // the application URI, which the server compares with the one we introduce ourselves by
}

const (
	identityCert = "own.der"
	identityKey  = "own.key"
	identityLife = 10 * 365 * 24 * time.Hour
)

// identity loads our certificate from cert and key, or from the pki folder, or from the one that the gateway keeps for this
// connection, and makes it there when there is none. Without any it lives as long as this connection.
func (c *Connection) identity() (identity, error) {
	folder := c.PKI
	switch {
	case c.Cert != "":
		return loadIdentity(c.Cert, c.Key)
	case folder == "" && c.Folder == "":
		return newIdentity()
	case folder == "":
		folder = filepath.Join(c.Folder, "pki")
	}
	own, err := loadIdentity(filepath.Join(folder, identityCert), filepath.Join(folder, identityKey))
	if !errors.Is(err, fs.ErrNotExist) {
		return own, err
	}
	if own, err = newIdentity(); err != nil {
		return identity{}, err
	}
	return own, own.save(folder)
}

func loadIdentity(certFile, keyFile string) (identity, error) {
	certificate, key, err := loadPair(certFile, keyFile)
	if err != nil {
		return identity{}, fmt.Errorf("own certificate: %w", err)
	}
	if len(certificate.URIs) == 0 {
		return identity{}, fmt.Errorf("the certificate %s names no application URI in its subject alternative names; OPC UA servers refuse that", certFile)
	}
	return identity{certificate.Raw, key, certificate.URIs[0].String()}, nil
}

// loadUser loads what stands for a user; it has no URI.
func loadUser(certFile, keyFile string) (identity, error) {
	certificate, key, err := loadPair(certFile, keyFile)
	if err != nil {
		return identity{}, fmt.Errorf("certificate of the user: %w", err)
	}
	return identity{der: certificate.Raw, key: key}, nil
}

func loadPair(certFile, keyFile string) (*x509.Certificate, *rsa.PrivateKey, error) {
	certificate, err := readCertificate(certFile)
	if err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil, err
	}
	key, err := parseKey(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, nil, fmt.Errorf("the key %s does not belong to the certificate %s", keyFile, certFile)
	}
	return certificate, key, nil
}

func parseKey(raw []byte) (*rsa.PrivateKey, error) {
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	if key, err := x509.ParsePKCS1PrivateKey(raw); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return nil, errors.New("want an RSA key in PKCS#1 or PKCS#8, PEM or DER, without a passphrase")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key; OPC UA needs one")
	}
	return private, nil
}

// newIdentity makes a self-signed certificate with what OPC UA asks of one. It takes a tenth of a second
// on a desktop and seconds on a small ARM board: that is what the pki folder is for.
func newIdentity() (identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return identity{}, fmt.Errorf("make an RSA key: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return identity{}, fmt.Errorf("make a serial number: %w", err)
	}
	now := time.Now()
	if made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(made) {
		now = made // the clock is not set yet, and the certificate must be good when it is
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Penstock gateway " + host, Organization: []string{"Penstock"}},
		URIs:                  []*url.URL{{Scheme: "urn", Opaque: url.PathEscape(host) + ":penstock"}},
		DNSNames:              []string{host},
		NotBefore:             now.Add(-24 * time.Hour), // a server whose clock is behind must not find it in the future
		NotAfter:              now.Add(identityLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return identity{}, fmt.Errorf("make our own certificate: %w", err)
	}
	return identity{der, key, template.URIs[0].String()}, nil
}

// save writes the key first: a certificate in the folder means that both are there.
func (i identity) save(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(i.key)})
	if err := replaceFile(filepath.Join(folder, identityKey), key, 0o600); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	if err := replaceFile(filepath.Join(folder, identityCert), i.der, 0o644); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	return nil
}

func replaceFile(name string, content []byte, mode fs.FileMode) error {
	if err := os.WriteFile(name+".new", content, mode); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
