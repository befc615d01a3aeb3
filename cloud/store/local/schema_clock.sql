-- Blocks whose times are in doubt. They become rows of raw once it is known what the times were, and chunks only from then on.
CREATE TABLE doubtful (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	thing    INTEGER NOT NULL REFERENCES thing,
	epoch    INTEGER,
	seq      INTEGER,
	received INTEGER NOT NULL,
	first    INTEGER NOT NULL, -- as they came
	last     INTEGER NOT NULL,
	samples  INTEGER NOT NULL,
	boot     TEXT NOT NULL,
	doubt    INTEGER NOT NULL,
	data     BLOB NOT NULL
);
CREATE INDEX doubtful_walk ON doubtful (thing, first, last, samples);
CREATE INDEX doubtful_of ON doubtful (thing, boot, doubt, id);

-- What gateways found out of their clocks (sync/wire/FORMAT.md).
CREATE TABLE verdict (
	thing    INTEGER NOT NULL REFERENCES thing,
	boot     TEXT NOT NULL,
	doubt    INTEGER NOT NULL,
	known_by INTEGER NOT NULL, -- the right offset; 0 when it is lost
	lost     INTEGER NOT NULL,
	PRIMARY KEY (thing, boot, doubt)
) WITHOUT ROWID;
