package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	secretSize = 20 // bytes: 160 bits
	pinSize    = 16 // bytes of the CA certificate's SHA-256: nobody finds a second certificate that starts so
)

// ErrToken says that a text is no enrolment token; where and how to get one is in its words.
var ErrToken = errors.New(`this is no enrolment token: copy the whole line that "penstock-cloud invite GATEWAY" printed`)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Token is an invitation as it is handed to a person: a secret that lets one gateway enrol once, and the CA's fingerprint, so that the
// gateway gives the secret to nobody else. Its text is base32(secret) "." hex(pin), 65 characters.
type Token struct {
	Hash [32]byte // SHA-256 of the secret: what the cloud keeps and looks for
	Pin  []byte   // the first 16 bytes of the SHA-256 of the CA's certificate
}

// NewToken draws a token for the servers of a CA. The text is shown once; the hash is kept.
func NewToken(ca *x509.Certificate) (text string, token Token, err error) {
	secret := make([]byte, secretSize)
	if _, err := rand.Read(secret); err != nil {
		return "", Token{}, err
	}
	sum := sha256.Sum256(ca.Raw)
	token = Token{Hash: sha256.Sum256(secret), Pin: sum[:pinSize]}
	return base32Text.EncodeToString(secret) + "." + hex.EncodeToString(token.Pin), token, nil
}

// ParseToken reads a token. Case and surrounding space do not matter: it may have been typed.
func ParseToken(text string) (Token, error) {
	left, right, found := strings.Cut(strings.TrimSpace(text), ".")
	if !found || len(left) != base32Text.EncodedLen(secretSize) || len(right) != hex.EncodedLen(pinSize) {
		return Token{}, ErrToken
	}
	secret, err := base32Text.DecodeString(strings.ToUpper(left))
	if err != nil || len(secret) != secretSize {
		return Token{}, ErrToken
	}
	pin, err := hex.DecodeString(right)
	if err != nil {
		return Token{}, ErrToken
	}
	return Token{Hash: sha256.Sum256(secret), Pin: pin}, nil
}

// ParseFingerprint reads what Fingerprint wrote, "sha256:" and 64 hex digits, to be used as a pin.
func ParseFingerprint(text string) ([]byte, error) {
	digits, _ := strings.CutPrefix(strings.ToLower(strings.TrimSpace(text)), "sha256:")
	pin, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New(`a CA's fingerprint is "sha256:" and 64 hex digits, as "penstock-cloud init" printed it`)
	}
	return pin, nil
}
