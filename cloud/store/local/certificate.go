package local

import (
	"context"
	"fmt"

	"github.com/penstock-edge/penstock/cloud"
)

const certificateColumns = "id, thing, status, issued, not_after, pem"

// Certificate implements cloud.IdentityStore.
func (s *Store) Certificate(ctx context.Context, id string) (cloud.Certificate, error) {
	found, err := s.certificates(ctx, "SELECT "+certificateColumns+" FROM certificate WHERE id = ?", id)
	if err == nil && len(found) == 0 {
		err = cloud.ErrNotFound
	}
	if err != nil {
		return cloud.Certificate{}, fmt.Errorf("certificate %s: %w", id, err)
	}
	return found[0], nil
}

// Certificates implements cloud.IdentityStore: oldest first.
func (s *Store) Certificates(ctx context.Context, thing string) ([]cloud.Certificate, error) {
	found, err := s.certificates(ctx, "SELECT "+certificateColumns+" FROM certificate WHERE thing = ? ORDER BY issued, id", thing)
	if err != nil {
		return nil, fmt.Errorf("certificates of %s: %w", thing, err)
	}
	return found, nil
}

func (s *Store) certificates(ctx context.Context, query, arg string) (found []cloud.Certificate, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, query, []any{arg}, func(scan func(...any) error) error {
			var cert cloud.Certificate
			var status string
			var issued, notAfter int64
			err := scan(&cert.ID, &cert.Thing, &status, &issued, &notAfter, &cert.PEM)
			cert.Status, cert.Issued, cert.NotAfter = cloud.CertificateStatus(status), moment(issued), moment(notAfter)
			found = append(found, cert)
			return err
		})
	})
	return found, err
}

// AddCertificate implements cloud.IdentityStore.
func (s *Store) AddCertificate(ctx context.Context, cert cloud.Certificate) error {
	return s.writer.write(ctx, func(c *conn) error { return addCertificate(c, cert) })
}

func addCertificate(c *conn, cert cloud.Certificate) error {
	n, err := c.exec(context.Background(), `INSERT INTO certificate (id, thing, status, issued, not_after, pem)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		cert.ID, cert.Thing, string(cert.Status), nanos(cert.Issued), nanos(cert.NotAfter), cert.PEM)
	if err == nil && n == 0 {
		err = cloud.ErrExists
	}
	if err != nil {
		return fmt.Errorf("add certificate %s: %w", cert.ID, err)
	}
	return nil
}

// SetCertificateStatus implements cloud.IdentityStore.
func (s *Store) SetCertificateStatus(ctx context.Context, id string, status cloud.CertificateStatus) error {
	return s.writer.write(ctx, func(c *conn) error {
		n, err := c.exec(context.Background(), "UPDATE certificate SET status = ? WHERE id = ?", string(status), id)
		if err == nil && n == 0 {
			err = cloud.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("certificate %s: %w", id, err)
		}
		return nil
	})
}
