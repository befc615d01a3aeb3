-- The chain of sync/audit: line is a JSON object as it was hashed.
CREATE TABLE audit (
	seq  INTEGER PRIMARY KEY,
	hash BLOB NOT NULL,
	line BLOB NOT NULL
);
