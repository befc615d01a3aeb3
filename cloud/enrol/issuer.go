package enrol

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/identity"
)

// Store is what enrolment needs of the store.
type Store interface {
	cloud.IdentityStore
	CreateThing(ctx context.Context, t cloud.Thing) error
}

// Issuer signs certificates for things and records them. It is safe for use by many goroutines.
type Issuer struct {
	CA    *identity.CA
	Store Store
}

// How long an invitation may last.
const (
	DefaultTTL = time.Hour
	MaxTTL     = 30 * 24 * time.Hour
)

// Errors of the moment of inviting.
var ErrTTL = errors.New("an invitation lasts from 1 second to 30 days")

// Invite makes a token with which the gateway may enrol once. The token is nowhere kept; only its hash is.
func (i *Issuer) Invite(ctx context.Context, gateway string, ttl time.Duration) (token string, expires time.Time, err error) {
	if err := identity.CheckName(gateway); err != nil {
		return "", time.Time{}, err
	}
	if ttl < time.Second || ttl > MaxTTL {
		return "", time.Time{}, ErrTTL
	}
	token, parts, err := identity.NewToken(i.CA.Certificate())
	if err != nil {
		return "", time.Time{}, err
	}
	expires = time.Now().Add(ttl + time.Second - 1).UTC().Truncate(time.Second) // rounded up: a second is a second at least
	invitation := cloud.Invitation{Hash: parts.Hash, Thing: gateway, Expires: expires}
	if err := i.Store.Invite(ctx, invitation); err != nil {
		return "", time.Time{}, fmt.Errorf("keep the invitation of %s: %w", gateway, err)
	}
	return token, expires, nil
}

// errName is a request that names another thing than the token invites.
type errName struct{ invited, asked string }

func (e errName) Error() string {
	return fmt.Sprintf("the token invites %q, and the request is from %q: correct the one that is wrong; the token is still good", e.invited, e.asked)
}

// Redeem exchanges a token for a certificate. Who names themselves in the request must be who is invited: found out afterwards, the
// token would be used up. Who does not is given the invited name.
func (i *Issuer) Redeem(ctx context.Context, token identity.Token, request *x509.CertificateRequest) (cloud.Certificate, error) {
	return i.Store.Redeem(ctx, token.Hash, time.Now(), func(thing string) (cloud.Certificate, error) {
		if name := request.Subject.CommonName; name != "" && name != thing {
			return cloud.Certificate{}, errName{invited: thing, asked: name}
		}
		return i.sign(request, thing)
	})
}

// Issue signs a certificate for a thing that a person vouches for, and creates the thing when it isn't there.
func (i *Issuer) Issue(ctx context.Context, thing string, request *x509.CertificateRequest) (cloud.Certificate, error) {
	cert, err := i.sign(request, thing)
	if err != nil {
		return cloud.Certificate{}, err
	}
	err = i.Store.CreateThing(ctx, cloud.Thing{Name: thing, Kind: cloud.KindThing, Created: time.Now()})
	if err != nil && !errors.Is(err, cloud.ErrExists) {
		return cloud.Certificate{}, fmt.Errorf("create %s: %w", thing, err)
	}
	if err := i.Store.AddCertificate(ctx, cert); err != nil {
		return cloud.Certificate{}, fmt.Errorf("record the certificate of %s: %w", thing, err)
	}
	return cert, nil
}

func (i *Issuer) sign(request *x509.CertificateRequest, thing string) (cloud.Certificate, error) {
	cert, err := i.CA.Issue(request, thing, identity.ThingLife)
	if err != nil {
		return cloud.Certificate{}, err
	}
	return cloud.Certificate{
		ID: identity.CertificateID(cert), Thing: thing, Status: cloud.CertificateActive,
		Issued: time.Now(), NotAfter: cert.NotAfter, PEM: identity.EncodeCertificates(cert),
	}, nil
}
