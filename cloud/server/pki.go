package server

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/penstock-edge/penstock/sync/identity"
)

// renewBefore is how long before its end the server's certificate is replaced, at a start.
const renewBefore = 60 * 24 * time.Hour

// newPKI makes the CA and the server's certificate.
func newPKI(c Config) (*identity.CA, error) {
	if _, err := os.Stat(c.pkiFile("ca.key")); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there already, and every certificate it signed would be worth nothing with another: move %s away first", c.pkiFile("ca.key"), c.PKI)
	}
	ca, err := identity.NewCA("Penstock CA of " + c.Names[0])
	if err != nil {
		return nil, err
	}
	if err := ca.Save(c.pkiFile("ca.crt"), c.pkiFile("ca.key")); err != nil {
		return nil, err
	}
	return ca, newServerPair(c, ca)
}

func newServerPair(c Config, ca *identity.CA) error {
	key, err := identity.NewKey()
	if err != nil {
		return err
	}
	cert, err := ca.IssueServer(key.Public(), c.Names, identity.ServerLife)
	if err != nil {
		return err
	}
	text, err := identity.EncodeKey(key)
	if err != nil {
		return err
	}
	// With the CA behind it: a gateway that enrols knows the CA by its fingerprint only.
	chain := identity.EncodeCertificates(cert, ca.Certificate())
	return errors.Join(identity.WriteFile(c.pkiFile("server.key"), text, 0o600), identity.WriteFile(c.pkiFile("server.crt"), chain, 0o644))
}

// loadPKI reads the CA and the server's pair, and makes a new pair when the old one ends soon or lacks a name of the configuration.
func loadPKI(c Config, log *slog.Logger) (*identity.CA, tls.Certificate, error) {
	ca, err := identity.LoadCA(c.pkiFile("ca.crt"), c.pkiFile("ca.key"))
	if err != nil {
		return nil, tls.Certificate{}, fmt.Errorf("pki: %w; \"penstock-cloud init\" makes a folder with a CA in it", err)
	}
	pair, err := identity.LoadPair(c.pkiFile("server.crt"), c.pkiFile("server.key"))
	if why := stale(c, pair.Leaf, ca, err); why != "" {
		log.Info("making the server's certificate anew", "reason", why, "names", c.Names)
		if err := newServerPair(c, ca); err != nil {
			return nil, tls.Certificate{}, fmt.Errorf("pki: %w", err)
		}
		pair, err = identity.LoadPair(c.pkiFile("server.crt"), c.pkiFile("server.key"))
	}
	return ca, pair, err
}

// stale says why a server's certificate has to be made anew; empty when it is good.
func stale(c Config, cert *x509.Certificate, ca *identity.CA, err error) string {
	if err != nil {
		return err.Error()
	}
	if time.Until(cert.NotAfter) < renewBefore {
		return "it ends on " + cert.NotAfter.Format(time.DateOnly)
	}
	if cert.CheckSignatureFrom(ca.Certificate()) != nil {
		return "it is of another CA"
	}
	for _, name := range c.Names {
		if cert.VerifyHostname(name) != nil {
			return "it lacks the name " + name
		}
	}
	return ""
}

// sessionKey reads the secret behind the cookies, which is made at the first start.
func sessionKey(c Config) ([]byte, error) {
	path := c.dataFile("session.key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data: %w", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if err := identity.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return key, nil
}

func join(host, port string) string { return net.JoinHostPort(host, port) }

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
