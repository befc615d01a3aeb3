package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxRequest bounds a certificate request in PEM; one with an RSA key of 8192 bits has 3 KiB.
const maxRequest = 16 << 10

// NewRequest makes a certificate request (PKCS #10) in PEM for the thing that holds the key.
func NewRequest(key crypto.Signer, thing string) ([]byte, error) {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: thing}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// ParseRequest reads a certificate request that somebody sent and checks that they hold its key and that the key is strong
// enough. The names in it are wishes: Issue does not look at them.
func ParseRequest(text []byte) (*x509.CertificateRequest, error) {
	if len(text) > maxRequest {
		return nil, fmt.Errorf("the certificate request is longer than %d bytes", maxRequest)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, errors.New("the certificate request is not in PEM form (-----BEGIN CERTIFICATE REQUEST-----)")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the certificate request: %w", err)
	}
	if err := checkPublicKey(request.PublicKey); err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the certificate request is not signed with its own key: %w", err)
	}
	return request, nil
}
