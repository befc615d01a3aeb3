package identity

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const howToEnrol = `run "penstock enroll URL --token T"`

// Files are the places of a thing's identity: its private key, its certificate, and the CA of the server it trusts.
type Files struct{ Key, Cert, CA string }

// Load reads and checks an identity: the key fits the certificate and the certificate is valid now.
func (f Files) Load(now time.Time) (tls.Certificate, *x509.Certificate, error) {
	ca, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, nil, fmt.Errorf("there is no identity yet (%w): %s", err, howToEnrol)
	}
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pair, err := LoadPair(f.Cert, f.Key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	if err := CheckTime(pair.Leaf, now); err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("%s: %w", f.Cert, err)
	}
	return pair, ca, nil
}

func (f Files) read() (*x509.Certificate, error) {
	for _, path := range []string{f.Key, f.Cert} {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	return LoadCertificate(f.CA)
}

// Save writes an identity, the key first (0600) and the certificate last: a certificate that is there has its key.
func (f Files) Save(key crypto.Signer, cert, ca *x509.Certificate) error {
	text, err := EncodeKey(key)
	if err != nil {
		return err
	}
	if err := WriteFile(f.Key, text, 0o600); err != nil {
		return err
	}
	if err := WriteFile(f.CA, EncodeCertificates(ca), 0o644); err != nil {
		return err
	}
	return WriteFile(f.Cert, EncodeCertificates(cert), 0o644)
}

// LoadPair reads a certificate (or a chain) and its key from PEM files; Leaf is set.
func LoadPair(certFile, keyFile string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load the certificate %s with its key %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// LoadCertificate reads a certificate from a PEM file.
func LoadCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cert, err := ParseCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cert, nil
}

func loadKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// WriteFile replaces a file whole: whoever looks, after a power cut too, finds the old content or the new. Folders that are
// missing are made (0700).
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // nothing is there once it was renamed
	if err := fill(temp, content, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func fill(f *os.File, content []byte, mode fs.FileMode) error {
	_, err := f.Write(content)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
