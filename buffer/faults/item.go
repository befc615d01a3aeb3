package faults

import (
	"encoding/binary"
	"errors"
	"hash/crc64"
	"math/rand/v2"
	"slices"

	"github.com/penstock-edge/penstock/buffer"
)

// An item is what must come through once: a number that is never used again. A journal entry holds one; a record holds the
// items it was sealed from, and everything else of it follows from them, so that one wrong byte is seen.

var ecma = crc64.MakeTable(crc64.ECMA)

// Record makes the record of some items.
func Record(class buffer.Class, items ...uint64) buffer.Record {
	return buffer.Record{Class: class, Samples: uint32(len(items)), Data: data(class, items)}
}

// data is the items, bytes that look like nothing, and a checksum that is not the buffer's own.
func data(class buffer.Class, items []uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{byte(class)}, uint16(len(items)))
	for _, item := range items {
		b = binary.LittleEndian.AppendUint64(b, item)
	}
	random := rand.New(rand.NewPCG(uint64(class), slices.Max(append(items, 0))))
	for n := random.IntN(3000); n > 0; n-- {
		b = append(b, byte(random.Uint32()))
	}
	return binary.LittleEndian.AppendUint64(b, crc64.Checksum(b, ecma))
}

var errWrong = errors.New("wrong bytes")

// Items takes a record apart; it must be to the byte what Record makes.
func Items(r buffer.Record) ([]uint64, error) {
	if len(r.Data) < 3 || len(r.Data) < 3+8*int(binary.LittleEndian.Uint16(r.Data[1:])) {
		return nil, errWrong
	}
	items := make([]uint64, binary.LittleEndian.Uint16(r.Data[1:]))
	for i := range items {
		items[i] = binary.LittleEndian.Uint64(r.Data[3+8*i:])
	}
	if !slices.Equal(r.Data, data(r.Class, items)) || int(r.Samples) != len(items) {
		return nil, errWrong
	}
	return items, nil
}

// Entry is a journal entry.
func Entry(item uint64) []byte { return Record(buffer.Normal, item).Data }

// EntryItem takes an entry apart.
func EntryItem(b []byte) (uint64, error) {
	items, err := Items(buffer.Record{Class: buffer.Normal, Samples: 1, Data: b})
	if err != nil {
		return 0, err
	}
	return items[0], nil
}
