package local

import (
	"context"
	_ "embed"
	"fmt"
)

//go:embed schema.sql
var schema1 string

//go:embed schema_audit.sql
var schemaAudit string

//go:embed schema_shadow.sql
var schemaShadow string

//go:embed schema_alarm.sql
var schemaAlarm string

//go:embed schema_rule.sql
var schemaRule string

//go:embed schema_ledger.sql
var schemaLedger string

//go:embed schema_held.sql
var schemaHeld string

//go:embed schema_clock.sql
var schemaClock string

//go:embed schema_given.sql
var schemaGiven string

// migrations[i] takes a file from version i to i+1; SQLite's user_version says where it is. Only ever append.
var migrations = []string{schema1, schemaAudit, schemaShadow, schemaAlarm, schemaRule, schemaLedger, schemaHeld, schemaClock, schemaGiven}

// migrate brings the file up to date, a version a transaction.
func migrate(ctx context.Context, c *conn) error {
	var version int
	if err := c.one(ctx, "PRAGMA user_version", nil, &version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("it was written by a newer penstock-cloud (schema %d, this one knows %d): install that version", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		script := fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", migrations[version], version+1)
		if _, err := c.sql.ExecContext(ctx, script); err != nil {
			_, _ = c.sql.ExecContext(ctx, "ROLLBACK") // the error that counts is the script's
			return fmt.Errorf("bring the schema from version %d to %d: %w", version, version+1, err)
		}
	}
	return nil
}
