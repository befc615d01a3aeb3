-- Times are nanoseconds since 1970 (0: never). Sequence numbers fit SQLite's signed 64 bits.

CREATE TABLE thing (
	id        INTEGER PRIMARY KEY,
	name      TEXT NOT NULL UNIQUE,
	kind      TEXT NOT NULL,
	created   INTEGER NOT NULL,
	birth     BLOB,
	connected INTEGER NOT NULL DEFAULT 0,
	contact   INTEGER NOT NULL DEFAULT 0,
	address   TEXT NOT NULL DEFAULT ''
);

CREATE TABLE certificate (
	id        TEXT PRIMARY KEY,
	thing     TEXT NOT NULL,
	status    TEXT NOT NULL,
	issued    INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	pem       BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX certificate_thing ON certificate (thing, issued);

CREATE TABLE invitation (
	hash    BLOB PRIMARY KEY,
	thing   TEXT NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID;

-- One row per life of a gateway's buffer; the counters change in the transaction that stores a block.
CREATE TABLE epoch (
	id      INTEGER PRIMARY KEY,
	thing   INTEGER NOT NULL REFERENCES thing,
	name    TEXT NOT NULL,
	blocks  INTEGER NOT NULL DEFAULT 0,
	samples INTEGER NOT NULL DEFAULT 0,
	repeats INTEGER NOT NULL DEFAULT 0,
	UNIQUE (thing, name)
);

-- The sequence numbers that are stored, as ranges that neither overlap nor touch; both ends included.
CREATE TABLE stored (
	epoch INTEGER NOT NULL REFERENCES epoch,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	PRIMARY KEY (epoch, first)
) WITHOUT ROWID;

-- What gateways declared they will never send; the ranges of one epoch do not overlap.
CREATE TABLE loss (
	epoch   INTEGER NOT NULL REFERENCES epoch,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	reason  TEXT NOT NULL,
	PRIMARY KEY (epoch, first)
) WITHOUT ROWID;

-- Blocks as they came, until compaction turns them into chunks. AUTOINCREMENT because the id is the order of arrival
-- for ever: it must not start again when the table has been emptied.
CREATE TABLE raw (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	thing    INTEGER NOT NULL REFERENCES thing,
	epoch    INTEGER,
	seq      INTEGER,
	received INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	samples  INTEGER NOT NULL,
	damaged  INTEGER NOT NULL DEFAULT 0, -- compaction could not decode it; kept for a person to look at
	data     BLOB NOT NULL
);
CREATE INDEX raw_walk ON raw (thing, damaged, first, last, samples);

-- A point's number: page * 64 + its place in the page. A page belongs to one thing.
CREATE TABLE series (
	id    INTEGER PRIMARY KEY,
	thing INTEGER NOT NULL REFERENCES thing,
	point TEXT NOT NULL,
	span  INTEGER NOT NULL DEFAULT 0, -- no chunk of the point covers more time than this
	UNIQUE (thing, point)
);

-- level 0: the points of one page over a short time, owner is the page. level 1: one point, still growing.
-- level 2: one point, full. arrival is the raw id of the first block in it: among equal times the order of arrival.
CREATE TABLE chunk (
	id      INTEGER PRIMARY KEY,
	level   INTEGER NOT NULL,
	owner   INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	arrival INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	data    BLOB NOT NULL
);
-- Everything a query needs to choose its chunks, so that choosing touches no data.
CREATE INDEX chunk_walk ON chunk (level, owner, first, last, arrival, samples);

-- The newest sample of every point of a thing, as blocks (more than one only where texts are huge), of everything
-- up to and including raw id upto.
CREATE TABLE latest (
	thing INTEGER NOT NULL REFERENCES thing,
	part  INTEGER NOT NULL,
	upto  INTEGER NOT NULL,
	data  BLOB NOT NULL,
	PRIMARY KEY (thing, part)
);
