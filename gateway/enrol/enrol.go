// Package enrol is the gateway's first contact with a cloud: a key made here, a request signed with it, a certificate
// for it in exchange for an invitation.
//
// The private key never leaves the machine, and the token goes to nobody but the server whose CA it names.
package enrol

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/identity"
)

// Request is what enrolling takes.
type Request struct {
	URL         string // https://host:port of the cloud
	Token       string // as "penstock-cloud invite" printed it
	Fingerprint string // of the CA, "sha256:..."; optional: the token carries enough of it
	Gateway     string // the name this gateway has in its configuration; empty: whatever the token says
	Files       identity.Files
}

// Identity is what enrolling gave.
type Identity struct {
	Thing string // the gateway's name in the cloud
	MQTT  string // where its target is, mqtts://host:port
}

// answer is the cloud's, good or bad.
type answer struct {
	Thing       string `json:"thing"`
	Certificate string `json:"certificate"`
	CA          string `json:"ca"`
	MQTT        string `json:"mqtt"`
	Message     string `json:"message"`
}

// Enrol exchanges a token for an identity and saves it. Nothing is saved unless all of it is right.
func Enrol(ctx context.Context, r Request) (Identity, error) {
	token, err := identity.ParseToken(r.Token)
	if err != nil {
		return Identity{}, err
	}
	pin := token.Pin
	if r.Fingerprint != "" {
		if pin, err = identity.ParseFingerprint(r.Fingerprint); err != nil {
			return Identity{}, err
		}
	}
	key, err := identity.NewKey()
	if err != nil {
		return Identity{}, err
	}
	csr, err := identity.NewRequest(key, r.Gateway)
	if err != nil {
		return Identity{}, err
	}
	a, ca, err := exchange(ctx, r, pin, csr)
	if err != nil {
		return Identity{}, err
	}
	cert, err := a.certificate(r, key, ca)
	if err != nil {
		return Identity{}, err
	}
	if err := r.Files.Save(key, cert, ca); err != nil {
		return Identity{}, fmt.Errorf("save the identity: %w", err)
	}
	return Identity{Thing: a.Thing, MQTT: a.MQTT}, nil
}

// certificate is what the cloud sent, if it is one for this gateway and this key by the CA that was met: anything else would be noticed
// only when the gateway can't connect, far from its cause.
func (a answer) certificate(r Request, key crypto.Signer, ca *x509.Certificate) (*x509.Certificate, error) {
	cert, err := identity.ParseCertificate([]byte(a.Certificate))
	if err != nil {
		return nil, fmt.Errorf("the certificate that %s sent: %w", r.URL, err)
	}
	if r.Gateway != "" && a.Thing != r.Gateway {
		return nil, fmt.Errorf("the token invites %q, and this gateway's configuration says gateway: {id: %s}: correct the one that is wrong", a.Thing, r.Gateway)
	}
	if own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("the certificate that %s sent is for another key", r.URL)
	}
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("the certificate that %s sent is not signed by the CA it showed: %w", r.URL, err)
	}
	return cert, nil
}

// exchange sends token and request over a connection that is pinned to the CA, and returns the CA it met.
func exchange(ctx context.Context, r Request, pin, csr []byte) (a answer, ca *x509.Certificate, err error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return a, nil, fmt.Errorf("cloud url %q: want https://HOST:PORT", r.URL)
	}
	config, err := identity.PinnedTLS(pin, u.Hostname(), func(c *x509.Certificate) { ca = c })
	if err != nil {
		return a, nil, err
	}
	body, err := json.Marshal(map[string]string{"token": strings.TrimSpace(r.Token), "csr": string(csr)})
	if err != nil {
		return a, nil, err
	}
	err = post(ctx, config, u.JoinPath("/api/v1/enroll").String(), body, &a)
	return a, ca, err
}

func post(ctx context.Context, config *tls.Config, to string, body []byte, a *answer) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("reach the cloud: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the cloud's answer: %w", err)
	}
	if err := json.Unmarshal(text, a); err != nil {
		return fmt.Errorf("%s answers %s and no JSON: is it penstock-cloud's https address?", to, res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the cloud refuses: %s", cmp.Or(a.Message, res.Status))
	}
	return nil
}
