// Package session is the gateway's MQTT 5 session with one target: it connects, keeps connected, and publishes.
//
// It knows MQTT and TLS and hides paho.golang behind them. It knows nothing of blocks, buffers or the gateway:
// what must not be lost is kept by its caller until Publish returns nil.
package session
