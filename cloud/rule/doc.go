// Package rule runs the rules of the cloud: AWS IoT's rule documents over everything that is published, with actions that survive a crash.
//
// What a rule wants to see is stored in an inbox together with the message; one goroutine evaluates the inbox in order and
// stores, in one transaction, what is to be done; others do it. It knows the stores through cloud's interfaces and the broker and the alarms
// through functions, SQL from sync/rule and blocks from sync/wire. cloud/server alone imports it.
package rule
