package identity

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// aead are the suites of TLS 1.2 that authenticate what they encrypt, with forward secrecy; TLS 1.3 has no others.
var aead = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

func base() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: aead} }

// MutualTLS is a server's end that lets nobody in without a certificate of the CA: MQTT.
func MutualTLS(server tls.Certificate, clients *x509.Certificate) *tls.Config {
	config := ServerTLS(server, clients)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config
}

// ServerTLS is a server's end where a client certificate is welcome and checked but not demanded: HTTPS.
func ServerTLS(server tls.Certificate, clients *x509.Certificate) *tls.Config {
	config := base()
	config.Certificates = []tls.Certificate{server}
	config.ClientCAs = pool(clients)
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config
}

// ClientTLS is a client's end: it trusts one CA and nobody else. certs may be nil where a token speaks for the client. serverName
// is the host of the URL; it may be left empty where the dialler fills it in.
func ClientTLS(certs []tls.Certificate, ca *x509.Certificate, serverName string) *tls.Config {
	config := base()
	config.Certificates = certs
	config.RootCAs = pool(ca)
	config.ServerName = serverName
	return config
}

// BrokerTLS is a client's end towards a broker of somebody else's: files has the CAs to trust (empty: the system's), and a certificate with its key,
// or neither. Certificates are judged by the time that now gives.
func BrokerTLS(files Files, now func() time.Time) (*tls.Config, error) {
	config := base()
	config.Time = now
	if files.CA != "" {
		text, err := os.ReadFile(files.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: there is no certificate in it, in PEM", files.CA)
		}
	}
	if files.Cert != "" {
		pair, err := LoadPair(files.Cert, files.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// ErrPin says that the server on the line is not the one the token or the fingerprint was made by.
var ErrPin = errors.New("the server's CA is not the one that is expected: somebody may stand in between, or the token is of another cloud")

// PinnedTLS is a client's end before it has the CA's certificate: it takes the CA that the server shows when its SHA-256 starts with pin
// (of 16 bytes at least), and the server only as that CA vouches for serverName. got is called with the CA when all of that holds.
func PinnedTLS(pin []byte, serverName string, got func(ca *x509.Certificate)) (*tls.Config, error) {
	if len(pin) < pinSize {
		return nil, fmt.Errorf("a CA's fingerprint has %d bytes at least, this one has %d", pinSize, len(pin))
	}
	config := base()
	config.ServerName = serverName
	config.InsecureSkipVerify = true // VerifyConnection does all of it
	config.VerifyConnection = func(state tls.ConnectionState) error {
		ca := pinned(state.PeerCertificates, pin)
		if ca == nil {
			return ErrPin
		}
		options := x509.VerifyOptions{Roots: pool(ca), DNSName: serverName}
		if _, err := state.PeerCertificates[0].Verify(options); err != nil {
			return fmt.Errorf("the server's certificate: %w", err)
		}
		got(ca)
		return nil
	}
	return config, nil
}

func pinned(chain []*x509.Certificate, pin []byte) *x509.Certificate {
	for _, cert := range chain {
		if sum := sha256.Sum256(cert.Raw); cert.IsCA && bytes.HasPrefix(sum[:], pin) {
			return cert
		}
	}
	return nil
}

func pool(ca *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca)
	return p
}
