-- Samples that a gateway gave up before they had a number: a sum for each reason.
CREATE TABLE given_up (
	epoch   INTEGER NOT NULL REFERENCES epoch,
	reason  TEXT NOT NULL,
	samples INTEGER NOT NULL,
	PRIMARY KEY (epoch, reason)
) WITHOUT ROWID;
