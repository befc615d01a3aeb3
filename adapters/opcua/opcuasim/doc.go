// Package opcuasim is an OPC UA server with variables that a test or a demo sets.
//
// It stands on gopcua's server, whose limits it shares (README.md): one value a publish and point, no
// check of user names. It knows nothing of the adapter beside it and may be imported by its tests, by
// the demo and by `penstock simulate`.
package opcuasim
