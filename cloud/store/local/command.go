package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
)

// CreateCommand implements cloud.CommandStore.
func (s *Store) CreateCommand(ctx context.Context, cmd cloud.Command, most int, entries ...audit.Entry) error {
	data, err := json.Marshal(cmd)
	if err != nil {
		return fmt.Errorf("create a command: %w", err)
	}
	err = s.writer.write(ctx, func(c *conn) error {
		gateway, err := thingID(context.Background(), c, cmd.Gateway)
		if err != nil {
			return err
		}
		var open int
		if err := c.one(context.Background(), "SELECT count(*) FROM command WHERE gateway = ? AND open = 1", []any{gateway}, &open); err != nil {
			return err
		}
		if open >= most {
			return fmt.Errorf("%d commands are open: %w", open, cloud.ErrTooMany)
		}
		n, err := c.exec(context.Background(), "INSERT INTO command (execution, gateway, open, expires, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			cmd.Execution, gateway, !cmd.Status.Final(), nanos(cmd.Expires), data)
		if err == nil && n == 0 {
			err = cloud.ErrExists
		}
		return errors.Join(err, appendAudit(c, entries...))
	})
	if err != nil {
		return fmt.Errorf("create a command to %s: %w", cmd.Gateway, err)
	}
	return nil
}

// Command implements cloud.CommandStore.
func (s *Store) Command(ctx context.Context, execution string) (cmd cloud.Command, err error) {
	err = s.readers.read(ctx, func(c *conn) error {
		return loadCommand(ctx, c, &cmd, "SELECT data FROM command WHERE execution = ?", execution)
	})
	if err != nil {
		return cmd, fmt.Errorf("command %s: %w", execution, err)
	}
	return cmd, nil
}

func loadCommand(ctx context.Context, c *conn, into *cloud.Command, query string, args ...any) error {
	var data []byte
	if err := c.one(ctx, query, args, &data); err != nil {
		return notFound(err)
	}
	return json.Unmarshal(data, into)
}

// Commands implements cloud.CommandStore.
func (s *Store) Commands(ctx context.Context, q cloud.CommandQuery) (found []cloud.Command, err error) {
	where, args := "execution < ?", []any{q.Before}
	if q.Before == "" {
		args[0] = "~" // behind every ULID
	}
	if q.Gateway != "" {
		where, args = where+" AND gateway = (SELECT id FROM thing WHERE name = ?)", append(args, q.Gateway)
	}
	if q.Open {
		where += " AND open = 1"
	}
	if !q.Overdue.IsZero() {
		where, args = where+" AND expires < ?", append(args, nanos(q.Overdue))
	}
	err = s.readers.read(ctx, func(c *conn) error {
		query := "SELECT data FROM command WHERE " + where + " ORDER BY execution DESC LIMIT ?"
		return c.each(ctx, query, append(args, q.Max), func(scan func(...any) error) error {
			var data []byte
			if err := scan(&data); err != nil {
				return err
			}
			var cmd cloud.Command
			err := json.Unmarshal(data, &cmd)
			found = append(found, cmd)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list commands: %w", err)
	}
	return found, nil
}

// AnswerCommand implements cloud.CommandStore.
func (s *Store) AnswerCommand(ctx context.Context, a cloud.CommandAnswer, entries func(cloud.Command) []audit.Entry) (cmd cloud.Command, changed bool, err error) {
	err = s.writer.write(ctx, func(c *conn) (err error) {
		query := "SELECT data FROM command WHERE execution = ? AND gateway = (SELECT id FROM thing WHERE name = ?)"
		if err := loadCommand(context.Background(), c, &cmd, query, a.Execution, a.Gateway); err != nil {
			return err
		}
		if changed = cmd.Take(a.Response, a.Time); !changed {
			return nil
		}
		data, err := json.Marshal(cmd)
		if err != nil {
			return err
		}
		_, err = c.exec(context.Background(), "UPDATE command SET open = ?, data = ? WHERE execution = ?", !cmd.Status.Final(), data, a.Execution)
		return errors.Join(err, appendAudit(c, entries(cmd)...))
	})
	if err != nil {
		return cloud.Command{}, false, fmt.Errorf("answer to command %s of %s: %w", a.Execution, a.Gateway, err)
	}
	return cmd, changed, nil
}
