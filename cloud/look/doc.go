// Package look has gateways send what somebody looks at as it changes: while there is a watcher it asks the gateway for the points, again and again, and when
// nobody looks any more it says so.
//
// It knows who looks at what and sync/wire's Watch, and neither MQTT nor HTTP. cloud/server joins it to both.
package look
