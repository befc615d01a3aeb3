// Package opcua reads, subscribes to and writes the variables of an OPC UA server.
//
// It knows sessions, security policies, node ids and OPC UA's data types, and stands on gopcua for the
// wire. It knows nothing of scan rates, deadbands or the gateway: it imports adapters and sync/telemetry
// and is imported by adapters/all alone. The library's own reconnection is switched off: a connection
// that no longer delivers is reported as lost, and the caller opens a new one.
package opcua
