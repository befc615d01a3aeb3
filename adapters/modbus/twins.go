package modbus

import (
	"bytes"
	"hash/maphash"
)

// twins knows the last answer, so that its repetition is not taken for the next one. An answer that truly equals the one before, as those of
// registers that are all 0 do, is asked for twice once and then known to be so.
type twins struct {
	asked    []byte // unit and request of the last answer
	answered []byte
	seed     maphash.Seed
	known    map[uint64]uint64 // by unit and request: what it answered when that was found to equal the answer before
	spare    []byte            // for the answer that is doubted
}

// mostKnown bounds the memory; beyond it all is learned anew.
const mostKnown = 4096

func newTwins() twins { return twins{seed: maphash.MakeSeed(), known: map[uint64]uint64{}} }

// suspect reports whether the answer may be the last one come again. The same request asked again is no matter, its answer is the same too;
// and a write is never repeated, but read back.
func (t *twins) suspect(unit byte, request, response []byte) bool {
	if request[0] > readInputs || !bytes.Equal(t.answered, response) || len(t.asked) == 0 || t.asked[0] != unit || bytes.Equal(t.asked[1:], request) {
		return false
	}
	before, known := t.known[t.hash(unit, request)]
	return !known || before != maphash.Bytes(t.seed, response)
}

func (t *twins) hash(unit byte, request []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_ = h.WriteByte(unit)
	_, _ = h.Write(request)
	return h.Sum64()
}

// keep remembers the answer that was taken.
func (t *twins) keep(unit byte, request, response []byte) {
	t.asked = append(append(t.asked[:0], unit), request...)
	t.answered = append(t.answered[:0], response...)
}

// alike remembers that the answer to this request truly is as the one before.
func (t *twins) alike(unit byte, request, response []byte) {
	if len(t.known) >= mostKnown {
		clear(t.known)
	}
	t.known[t.hash(unit, request)] = maphash.Bytes(t.seed, response)
}
