// Package thin makes blocks coarser that a full buffer would have to give up: of each point, for each span of time, the first, the least, the
// greatest and the last sample stay, as they were measured.
//
// It knows blocks and samples; gateway gives its Blocks to the buffer, which knows neither.
package thin
