// Package alarm knows the life of one alarm, as ISA-18.2 has it: delays, latching, acknowledging, escalating, shelving,
// suppressing, out of service; and how acknowledgements made at the gateway and in the cloud come to the same.
//
// It is pure: the clock is passed in, no goroutine, no disk, no text for people, nothing else of ours. What makes a condition
// true is sync/rule's. Gateway and cloud both import it.
package alarm
