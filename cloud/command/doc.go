// Package command asks gateways to write values to points, and follows each request until it is known what came of it: asked once under one
// id, told again while there is no answer, over when its time is.
//
// It knows the stores through cloud's interfaces and publishes through a function. Whether a value may be written is the gateway's to
// decide, and who may ask is the API's. cloud/server alone imports it.
package command
