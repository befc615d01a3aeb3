// Package simulation runs a plant, a gateway and a cloud in one test, in virtual time, on a network and disks that fail by a plan drawn from a
// seed; a model says what must be stored in the end.
//
// It has tests only. The gateway, the cloud, the codec and both MQTT libraries are the real ones; field equipment, network and clock are not.
package simulation
