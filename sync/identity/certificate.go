package identity

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// EncodeCertificates writes certificates as PEM, in the order given: a chain starts with its leaf.
func EncodeCertificates(certs ...*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

// ParseCertificate reads the first certificate of a PEM text.
func ParseCertificate(text []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
		return cert, nil
	}
	return nil, errors.New("there is no certificate in PEM form")
}

// CheckTime says whether a certificate is valid at a moment, and what to do when it is not.
func CheckTime(cert *x509.Certificate, now time.Time) error {
	switch {
	case now.After(cert.NotAfter):
		return fmt.Errorf("the certificate of %s expired on %s: %s", cert.Subject.CommonName, cert.NotAfter.Format(time.DateOnly), howToEnrol)
	case now.Before(cert.NotBefore):
		return fmt.Errorf("the certificate of %s is valid from %s on and the clock says %s: set the clock",
			cert.Subject.CommonName, cert.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}
