package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

const maxName = 128

// CheckName says whether a text can be a thing's name: 1 to 128 of a-z A-Z 0-9 : _ - (AWS IoT's rule).
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("a thing's name has 1 to %d characters, this one has %d", maxName, len(name))
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return fmt.Errorf("%q cannot be a thing's name: use a-z A-Z 0-9 : _ - only", name)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ':' || c == '_' || c == '-'
}

// ThingName is the thing that a certificate speaks for: its subject's common name.
func ThingName(cert *x509.Certificate) (string, error) {
	name := cert.Subject.CommonName
	if err := CheckName(name); err != nil {
		return "", fmt.Errorf("the certificate's common name: %w", err)
	}
	return name, nil
}

// CertificateID is the lowercase hex SHA-256 of the certificate's DER form, as in AWS IoT.
func CertificateID(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Fingerprint is CertificateID as people compare it: "sha256:...".
func Fingerprint(cert *x509.Certificate) string { return "sha256:" + CertificateID(cert) }
