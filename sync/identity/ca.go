package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// How long certificates last. A server's stays below the 825 days that Apple's TLS accepts.
const (
	caLife     = 20 * 365 * 24 * time.Hour
	ThingLife  = 10 * 365 * 24 * time.Hour
	ServerLife = 820 * 24 * time.Hour

	// clockSlack dates a certificate back: the clocks of two machines differ.
	clockSlack = time.Hour
)

// CA signs certificates. It is safe for use by many goroutines.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// NewCA makes a CA with a key of its own. Its name is what people read in certificates.
func NewCA(name string) (*CA, error) {
	key, err := NewKey()
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:     true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	cert, err := sign(template, nil, key.Public(), key, caLife)
	if err != nil {
		return nil, fmt.Errorf("make the CA's certificate: %w", err)
	}
	return &CA{cert: cert, key: key}, nil
}

// LoadCA reads a CA from PEM files.
func LoadCA(certFile, keyFile string) (*CA, error) {
	cert, err := LoadCertificate(certFile)
	if err != nil {
		return nil, err
	}
	key, err := loadKey(keyFile)
	if err != nil {
		return nil, err
	}
	if !cert.IsCA {
		return nil, fmt.Errorf("%s is no CA's certificate", certFile)
	}
	if !samePublicKey(cert.PublicKey, key.Public()) {
		return nil, fmt.Errorf("%s is not the key of %s", keyFile, certFile)
	}
	return &CA{cert: cert, key: key}, nil
}

// Save writes the CA's certificate (0644) and key (0600).
func (ca *CA) Save(certFile, keyFile string) error {
	key, err := EncodeKey(ca.key)
	if err != nil {
		return err
	}
	if err := WriteFile(keyFile, key, 0o600); err != nil {
		return err
	}
	return WriteFile(certFile, EncodeCertificates(ca.cert), 0o644)
}

// Certificate is the CA's own.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// Issue signs a thing's certificate for the key of a request that ParseRequest checked. The name is the caller's word, not
// the request's.
func (ca *CA) Issue(request *x509.CertificateRequest, thing string, life time.Duration) (*x509.Certificate, error) {
	if err := CheckName(thing); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: thing},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return sign(template, ca.cert, request.PublicKey, ca.key, life)
}

// IssueServer signs a server's certificate for DNS names and IP addresses.
func (ca *CA) IssueServer(key crypto.PublicKey, names []string, life time.Duration) (*x509.Certificate, error) {
	if len(names) == 0 {
		return nil, errors.New("a server's certificate needs a name or an address that clients call it by")
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return sign(template, ca.cert, key, ca.key, life)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	now := time.Now()
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = now.Add(-clockSlack), now.Add(life)
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func samePublicKey(a, b crypto.PublicKey) bool {
	equal, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && equal.Equal(b)
}
