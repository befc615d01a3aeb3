package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"
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

	gone    ranges   // acknowledged or given up, within the page
	left    uint32   // records that are neither
	weights []uint32 // each record's samples, where there is more than one
}

// weigh counts the samples of some of the page's records.
func (p *page) weigh(r ranges) (samples uint64) {
	for _, x := range r.within(p.first, p.last()) {
		if p.count == 1 || x == (run{p.first, p.last()}) {
			samples += p.samples
			continue
		}
		for _, n := range p.weights[x.from-p.first : x.to-p.first+1] {
			samples += uint64(n)
		}
	}
	return samples
}

// readWeights takes the sample counts out of a page's bytes; what is damaged counts nothing.
func (p *page) readWeights(b []byte) {
	if p.count == 1 {
		return
	}
	p.weights = make([]uint32, p.count)
	for i := range p.weights {
		if len(b) < recordHeader {
			return
		}
		p.weights[i] = binary.LittleEndian.Uint32(b[4:])
		b = b[min(uint64(len(b)), recordHeader+uint64(binary.LittleEndian.Uint32(b))):]
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
	if p.count == 0 || p.first == 0 || p.last() < p.first || p.class >= classes {
		return nil, fmt.Errorf("a page's key: %w", errDamaged)
	}
	p.left = p.count
	return p, nil
}

// each gives the page's records out of its bytes, from the first after `after`. bad is called for every record that is damaged.
func (p *page) each(b []byte, after uint64, yield func(Record) bool, bad func(seq uint64)) {
	for seq := p.first; seq <= p.last(); seq++ {
		r, rest, err := parseRecord(b, seq, p.class)
		r.Time = time.Unix(0, p.time)
		switch {
		case rest == nil && err != nil: // nothing behind it can be found
			for ; seq <= p.last(); seq++ {
				p.report(seq, after, bad)
			}
			return
		case err != nil:
			p.report(seq, after, bad)
		case seq > after && !p.gone.has(seq):
			if !yield(r) {
				return
			}
		}
		b = rest
	}
}

func (p *page) report(seq, after uint64, bad func(uint64)) {
	if seq > after && !p.gone.has(seq) {
		bad(seq)
	}
}
