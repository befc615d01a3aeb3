-- Rules as people want them; documents are JSON.
CREATE TABLE rule (
	name     TEXT PRIMARY KEY,
	document BLOB NOT NULL,
	created  INTEGER NOT NULL,
	changed  INTEGER NOT NULL
) WITHOUT ROWID;

-- Rules as those who look at messages have them, with the state of their windows: they are as far behind as the inbox is long.
CREATE TABLE rule_applied (
	name     TEXT PRIMARY KEY,
	document BLOB NOT NULL,
	state    BLOB
);

-- What rules have still to look at. AUTOINCREMENT because the id is the order for ever, however often the table is empty.
CREATE TABLE rule_inbox (
	id   INTEGER PRIMARY KEY AUTOINCREMENT,
	kind INTEGER NOT NULL, -- cloud.InboxKind
	head BLOB NOT NULL,    -- cloud.InboxItem as JSON
	data BLOB
);

-- What actions have still to do; event is a row below or 0.
CREATE TABLE rule_outbox (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	queue TEXT NOT NULL,
	event INTEGER NOT NULL,
	due   INTEGER NOT NULL,
	head  BLOB NOT NULL, -- cloud.OutboxItem as JSON
	data  BLOB
);
CREATE INDEX rule_outbox_queue ON rule_outbox (queue, id);

-- Rows of rules whose actions an error action waits for.
CREATE TABLE rule_event (
	id   INTEGER PRIMARY KEY AUTOINCREMENT,
	open INTEGER NOT NULL,
	data BLOB NOT NULL -- cloud.RuleEvent as JSON
);

-- The newest executions that failed for good.
CREATE TABLE rule_dead (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	rule   TEXT NOT NULL,
	queue  TEXT NOT NULL,
	failed INTEGER NOT NULL,
	head   BLOB NOT NULL,
	data   BLOB
);
CREATE INDEX rule_dead_rule ON rule_dead (rule, id);
