-- A thing's shadows, as sync/shadow encodes them; the classic one has no name. A row stays after a deletion, until its version need no
-- longer be remembered.
CREATE TABLE shadow (
	thing    TEXT NOT NULL,
	name     TEXT NOT NULL,
	deleted  INTEGER NOT NULL, -- seconds since 1970; 0: it exists
	document BLOB NOT NULL,
	PRIMARY KEY (thing, name)
) WITHOUT ROWID;

CREATE INDEX shadow_deleted ON shadow (deleted) WHERE deleted > 0;
