package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// Invite implements cloud.IdentityStore. Invitations that ran out long ago go on the way.
func (s *Store) Invite(ctx context.Context, i cloud.Invitation) error {
	return s.writer.write(ctx, func(c *conn) error {
		bg := context.Background()
		if _, err := c.exec(bg, "DELETE FROM invitation WHERE expires < ?", nanos(i.Expires.AddDate(0, -1, 0))); err != nil {
			return fmt.Errorf("invite %s: %w", i.Thing, err)
		}
		n, err := c.exec(bg, "INSERT INTO invitation (hash, thing, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
			i.Hash[:], i.Thing, nanos(i.Expires))
		if err == nil && n == 0 {
			err = cloud.ErrExists
		}
		if err != nil {
			return fmt.Errorf("invite %s: %w", i.Thing, err)
		}
		return nil
	})
}

// Redeem implements cloud.IdentityStore. issue runs on the writer's goroutine: it must not call the store.
func (s *Store) Redeem(ctx context.Context, hash [32]byte, now time.Time, issue func(string) (cloud.Certificate, error)) (cloud.Certificate, error) {
	var cert cloud.Certificate
	err := s.writer.write(ctx, func(c *conn) error {
		thing, err := useInvitation(c, hash, now)
		if err != nil {
			return err
		}
		if _, err := createThing(c, cloud.Thing{Name: thing, Kind: cloud.KindGateway, Created: now}); err != nil {
			return fmt.Errorf("enrol %s: %w", thing, err)
		}
		if cert, err = issue(thing); err != nil {
			return fmt.Errorf("enrol %s: %w", thing, err)
		}
		return addCertificate(c, cert)
	})
	if err != nil {
		return cloud.Certificate{}, err
	}
	return cert, nil
}

// useInvitation takes the invitation away and gives the thing it was for.
func useInvitation(c *conn, hash [32]byte, now time.Time) (thing string, err error) {
	bg := context.Background()
	var expires int64
	err = c.one(bg, "SELECT thing, expires FROM invitation WHERE hash = ?", []any{hash[:]}, &thing, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && expires <= nanos(now) {
		return "", cloud.ErrInvitation
	}
	if err == nil {
		_, err = c.exec(bg, "DELETE FROM invitation WHERE hash = ?", hash[:])
	}
	if err != nil {
		return "", fmt.Errorf("redeem an invitation: %w", err)
	}
	return thing, nil
}
