// Package alarm is where alarms of gateways are acknowledged from the cloud: with a line in the audit log, told to the gateway, and told again
// until the gateway's events show that it knows.
//
// It knows the stores through cloud's interfaces and publishes through a function. It decides nothing about an alarm's life, which is its
// gateway's (sync/alarm); what gateways tell of their alarms comes in by cloud/ingest. cloud/server alone imports it.
package alarm
