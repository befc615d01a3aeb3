package cloud

import "io"

// Store is everything an engine keeps. store/local and (to come) store/postgres are the engines; storetest is
// the contract both pass.
type Store interface {
	ThingStore
	IdentityStore
	TelemetryStore
	LedgerStore
	ClockStore
	AuditStore
	AlarmStore
	AcknowledgementStore
	OwnAlarmStore
	CommandStore
	ShadowStore
	RuleStore
	RuleInbox
	RuleOutbox
	RuleDead
	io.Closer
}
