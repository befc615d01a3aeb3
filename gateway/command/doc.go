// Package command is the one way by which a value reaches equipment, whoever asks: a person, a rule, a shadow's desired state, a command
// of the cloud.
//
// It knows what may be written, that an order is carried out once, that what was written is read back, and who asked: every step is a line
// of the audit log. It knows neither protocols nor the network: the gateway gives it the functions that write and read, and tells the cloud
// its answers. Only gateway imports it.
package command
