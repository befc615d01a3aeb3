package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// maxPage is where a page is closed: many small records share one bbolt value, so that keys stay few.
const maxPage = 1 << 20

// page is a run of records of one class under one key. The key says all that counting needs, so that opening reads no records.
type page struct {
	first   uint64
	count   uint32
	class   Class
	samples uint64
	bytes   uint32
	time    int64 // unix nanoseconds of appending
	at      int64 // where in a sealed segment's file its bytes lie

	gone    ranges   // acknowledged or given up, within the page; nil again when nothing is left
	left    uint32   // records that are neither
	rest    uint64   // their samples
	weights []uint32 // each record's samples, where there is more than one and somebody had to know
}

// weigh counts the samples of some of the page's records.
func (p *page) weigh(r ranges) (samples uint64) {
	for _, x := range r.within(p.first, p.last()) {
		switch {
		case p.count == 1 || x == (run{p.first, p.last()}):
			samples += p.samples
		case p.weights != nil:
			for _, n := range p.weights[x.from-p.first : x.to-p.first+1] {
				samples += uint64(n)
			}
		}
	}
	return min(samples, p.rest) // a damaged count must not reach further than the page
}

// readWeights takes the sample counts out of a page's bytes; what is damaged counts nothing.
func (p *page) readWeights(b []byte) {
	p.weights = make([]uint32, p.count)
	for i := range p.weights {
		if len(b) < recordHeader {
			return
		}
		p.weights[i] = le.Uint32(b[4:])
		b = b[min(uint64(len(b)), recordHeader+uint64(le.Uint32(b))):]
	}
}

func (p *page) last() uint64 { return p.first + uint64(p.count) - 1 }

// pageKey is the size of a key: first, count, class, samples, bytes, time, CRC-32C.
const pageKey = 8 + 4 + 1 + 8 + 4 + 8 + 4

func (p *page) key() []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, pageKey), p.first)
	k = binary.BigEndian.AppendUint32(k, p.count)
	k = append(k, byte(p.class))
	k = binary.BigEndian.AppendUint64(k, p.samples)
	k = binary.BigEndian.AppendUint32(k, p.bytes)
	k = binary.BigEndian.AppendUint64(k, uint64(p.time))
	return binary.BigEndian.AppendUint32(k, crc32.Checksum(k, castagnoli))
}

func parsePage(k []byte) (*page, error) {
	if len(k) != pageKey || crc32.Checksum(k[:pageKey-4], castagnoli) != binary.BigEndian.Uint32(k[pageKey-4:]) {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	p := &page{
		first: binary.BigEndian.Uint64(k), count: binary.BigEndian.Uint32(k[8:]), class: Class(k[12]),
		samples: binary.BigEndian.Uint64(k[13:]), bytes: binary.BigEndian.Uint32(k[21:]), time: int64(binary.BigEndian.Uint64(k[25:])),
	}
	if p.count == 0 || p.first == 0 || p.last() < p.first || p.class >= classes || uint64(p.count)*recordHeader > uint64(p.bytes) {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	p.left, p.rest = p.count, p.samples
	return p, nil
}
