// Package telemetry knows what a sample is: a point's value at a time, with its quality.
//
// It is the leaf on which every other room stands: it imports the standard library only, and
// everybody may import it. It knows neither how samples are read, kept nor sent.
package telemetry
