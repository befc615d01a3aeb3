package cloud

import (
	"context"
	"time"
)

// CertificateStatus says whether a certificate lets its thing in.
type CertificateStatus string

// The statuses a certificate can have (AWS IoT's names).
const (
	CertificateActive   CertificateStatus = "ACTIVE"
	CertificateInactive CertificateStatus = "INACTIVE"
	CertificateRevoked  CertificateStatus = "REVOKED"
)

// Certificate is one that our CA issued. ID is the lowercase hex SHA-256 of its DER form, as in AWS IoT.
type Certificate struct {
	ID       string            `json:"id"`
	Thing    string            `json:"thing"`
	Status   CertificateStatus `json:"status"`
	Issued   time.Time         `json:"issued"`
	NotAfter time.Time         `json:"not_after"`
	PEM      []byte            `json:"-"`
}

// Invitation lets one gateway enrol once. Only the SHA-256 of its secret is kept.
type Invitation struct {
	Hash    [32]byte
	Thing   string
	Expires time.Time
}

// Errors of the moment of enrolment.
var (
	ErrInvitation = errInvitation("the token is unknown, used or expired: ask for a new one with penstock-cloud invite GATEWAY")
)

type errInvitation string

func (e errInvitation) Error() string { return string(e) }

// IdentityStore keeps certificates and invitations.
type IdentityStore interface {
	Certificate(ctx context.Context, id string) (Certificate, error)
	Certificates(ctx context.Context, thing string) ([]Certificate, error)
	AddCertificate(ctx context.Context, c Certificate) error
	SetCertificateStatus(ctx context.Context, id string, s CertificateStatus) error

	Invite(ctx context.Context, i Invitation) error
	// Redeem uses up an invitation and records the certificate issued on it, in one transaction: of any
	// number of parallel uses exactly one succeeds. The thing is created when it isn't there. Otherwise ErrInvitation.
	Redeem(ctx context.Context, hash [32]byte, now time.Time, issue func(thing string) (Certificate, error)) (Certificate, error)
}
