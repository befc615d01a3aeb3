// Package ingest takes what things publish: it checks it, has it stored, and tells those who watch.
//
// It knows the payloads of sync/wire and the stores of cloud/, and neither MQTT nor an engine. Whoever calls Put from
// many goroutines is served by all of them at once: decoding happens in the caller's, and the store groups the commits.
// cloud/server alone imports it.
package ingest
