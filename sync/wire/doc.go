// Package wire knows what crosses the link between a gateway and a cloud: topics and MQTT 5 property names, the
// block of samples (FORMAT.md), a gateway's birth, its declared losses, and the JSON of other things.
//
// Everything here turns bytes into nouns and back, bounded in memory whatever the bytes say. It knows no MQTT
// library, no socket and no disk, stands on sync/telemetry alone, and everybody may import it.
package wire
