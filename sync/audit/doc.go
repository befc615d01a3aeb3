// Package audit is the record of who asked for what and what came of it, as a chain in which no line can be changed, taken out,
// put in or moved without it showing.
//
// It is pure: it makes lines and verifies them, and knows neither where they are kept nor what the actions mean. It
// imports nothing of ours; gateway and cloud may import it, and each keeps a chain of its own.
package audit
