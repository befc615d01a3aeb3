// Package status shows the gateway to people and programs on site: a page, an API and /metrics.
//
// It listens on 127.0.0.1 and on a unix socket in the state folder; the command line tools come in by the
// socket. It asks a Source for everything and decides nothing.
package status
