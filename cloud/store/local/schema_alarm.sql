-- Where each alarm is: gateway is who tells of it, or the thing itself where the cloud does. data is a cloud.Alarm as JSON, the other columns are what lists are made by. changed is when its last event happened.
CREATE TABLE alarm (
	id      INTEGER PRIMARY KEY,
	gateway INTEGER NOT NULL REFERENCES thing,
	thing   TEXT NOT NULL, -- what it is about: the gateway's name, or a device's
	name    TEXT NOT NULL,
	view    TEXT NOT NULL, -- active, hidden, or all for the normal ones
	changed INTEGER NOT NULL,
	pending INTEGER NOT NULL, -- 1: an acknowledgement is to be told to the gateway
	data    BLOB NOT NULL,
	memory  BLOB, -- of an alarm that lives here and not at a gateway: as sync/alarm encodes it
	UNIQUE (gateway, name)
);
CREATE INDEX alarm_changed ON alarm (changed, id);
CREATE INDEX alarm_view ON alarm (view, changed, id);
CREATE INDEX alarm_gateway ON alarm (gateway, view, changed, id);
CREATE INDEX alarm_name ON alarm (name);
CREATE INDEX alarm_thing ON alarm (thing, name);
CREATE INDEX alarm_pending ON alarm (gateway) WHERE pending = 1;

-- Every event of every alarm, once; data is a cloud.AlarmRecord as JSON.
CREATE TABLE alarm_event (
	id       INTEGER PRIMARY KEY,
	alarm    INTEGER NOT NULL REFERENCES alarm,
	gateway  INTEGER NOT NULL REFERENCES thing,
	sequence INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	data     BLOB NOT NULL,
	UNIQUE (alarm, sequence)
);
CREATE INDEX alarm_event_time ON alarm_event (time, id);
CREATE INDEX alarm_event_gateway ON alarm_event (gateway, time, id);
CREATE INDEX alarm_event_alarm ON alarm_event (alarm, time, id);

-- Commands: data is a cloud.Command as JSON. Executions are ULIDs, so their order is that of time.
CREATE TABLE command (
	execution TEXT PRIMARY KEY,
	gateway   INTEGER NOT NULL REFERENCES thing,
	open      INTEGER NOT NULL, -- 1 until the status is final
	expires   INTEGER NOT NULL,
	data      BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX command_gateway ON command (gateway, execution);
CREATE INDEX command_open ON command (gateway, execution) WHERE open = 1;
CREATE INDEX command_expires ON command (expires) WHERE open = 1;
