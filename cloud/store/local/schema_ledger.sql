-- What a gateway says of a loss beside its numbers: the class of its buffer.
ALTER TABLE loss ADD COLUMN class TEXT NOT NULL DEFAULT '';

-- From here on, stored has the numbers that are accounted for: those that are stored, and those that were never for this cloud.
-- The latter are in filtered, too, so that one that comes after all is known to be new; and counted, so that nobody has to.
CREATE TABLE filtered (
	epoch INTEGER NOT NULL REFERENCES epoch,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	PRIMARY KEY (epoch, first)
) WITHOUT ROWID;
ALTER TABLE epoch ADD COLUMN filtered INTEGER NOT NULL DEFAULT 0;

-- Blocks out of which gateways declared to have taken samples. They are no gap, and may be lost besides.
CREATE TABLE thinned (
	epoch   INTEGER NOT NULL REFERENCES epoch,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	reason  TEXT NOT NULL,
	class   TEXT NOT NULL,
	PRIMARY KEY (epoch, first)
) WITHOUT ROWID;
