-- A thing's shadows, as sync/shadow encodes them; the classic one has no name. A row stays after a deletion: the version goes on.
CREATE TABLE shadow (
	thing    TEXT NOT NULL,
	name     TEXT NOT NULL,
	document BLOB NOT NULL,
	PRIMARY KEY (thing, name)
) WITHOUT ROWID;
