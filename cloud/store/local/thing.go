package local

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

const thingColumns = "name, kind, created, birth, connected, contact, address"

// CreateThing implements cloud.ThingStore.
func (s *Store) CreateThing(ctx context.Context, t cloud.Thing) error {
	if t.Name == "" {
		return errors.New("create a thing: it needs a name")
	}
	return s.writer.write(ctx, func(c *conn) error {
		created, err := createThing(c, t)
		if err != nil {
			return fmt.Errorf("create thing %s: %w", t.Name, err)
		}
		if !created {
			return fmt.Errorf("thing %s: %w", t.Name, cloud.ErrExists)
		}
		return nil
	})
}

// createThing says whether the thing was new.
func createThing(c *conn, t cloud.Thing) (bool, error) {
	n, err := c.exec(context.Background(), `INSERT INTO thing (name, kind, created, birth, connected, contact, address)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		t.Name, string(t.Kind), nanos(t.Created), t.Birth, t.Connected, nanos(t.LastContact), t.Address)
	return n > 0, err
}

// Thing implements cloud.ThingStore.
func (s *Store) Thing(ctx context.Context, name string) (t cloud.Thing, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return c.each(ctx, "SELECT "+thingColumns+" FROM thing WHERE name = ?", []any{name}, func(scan func(...any) error) (err error) {
			t, err = scanThing(scan)
			return err
		})
	})
	switch {
	case err != nil:
		return t, fmt.Errorf("thing %s: %w", name, err)
	case t.Name == "":
		return t, fmt.Errorf("thing %s: %w", name, cloud.ErrNotFound)
	}
	return t, nil
}

// Things implements cloud.ThingStore.
func (s *Store) Things(ctx context.Context, kind cloud.ThingKind) (things []cloud.Thing, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT " + thingColumns + " FROM thing WHERE ?1 = '' OR kind = ?1 ORDER BY name"
		return c.each(ctx, query, []any{string(kind)}, func(scan func(...any) error) error {
			t, err := scanThing(scan)
			things = append(things, t)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list things: %w", err)
	}
	return things, nil
}

func scanThing(scan func(...any) error) (cloud.Thing, error) {
	var t cloud.Thing
	var kind string
	var created, contact int64
	err := scan(&t.Name, &kind, &created, &t.Birth, &t.Connected, &contact, &t.Address)
	t.Kind, t.Created, t.LastContact = cloud.ThingKind(kind), moment(created), moment(contact)
	return t, err
}

// SetBirth implements cloud.ThingStore.
func (s *Store) SetBirth(ctx context.Context, name string, birth []byte) error {
	return s.updateThing(ctx, name, "UPDATE thing SET birth = ? WHERE name = ?", birth, name)
}

// SetPresence implements cloud.ThingStore.
func (s *Store) SetPresence(ctx context.Context, name string, connected bool, at time.Time, address string) error {
	return s.updateThing(ctx, name, "UPDATE thing SET connected = ?, contact = ?, address = ? WHERE name = ?",
		connected, nanos(at), address, name)
}

func (s *Store) updateThing(ctx context.Context, name, query string, args ...any) error {
	return s.writer.write(ctx, func(c *conn) error {
		n, err := c.exec(context.Background(), query, args...)
		if err == nil && n == 0 {
			err = cloud.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("thing %s: %w", name, err)
		}
		return nil
	})
}

// thingID is a thing's row.
func thingID(ctx context.Context, c *conn, name string) (id int64, err error) {
	err = c.one(ctx, "SELECT id FROM thing WHERE name = ?", []any{name}, &id)
	return id, notFound(err)
}

// notFound turns the driver's word for no row into the store's.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return cloud.ErrNotFound
	}
	return err
}

// nanos and moment keep a time as nanoseconds since 1970, the zero time as 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
