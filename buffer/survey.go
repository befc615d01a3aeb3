package buffer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// survey is what a segment's file holds, as far as it can be read. It is made without bbolt, which follows damaged pages
// into a panic in a goroutine of its own, or round in circles for ever.
type survey struct {
	pages   []*page // in order, each with its place in the file
	thinned []*page // that take the place of older ones
	journal [][]byte
	known   [maxCursors]known // by slot
	there   [maxCursors]bool  // whether the slot has a cursor
	dropped totals
	epoch   string
	format  uint64
	first   uint64 // its name; 0: it does not say
	begin   uint64 // 0: it does not say
	next    uint64 // 0: none follows
	void    []ending
	damage  error // nil when the whole file is sound, so that bbolt can go on with it
}

// surveyFile reads the segment at path, whose numbers lie in [first, limit). It fails when nothing of it can be read.
func surveyFile(path string, first, limit uint64) (*survey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return surveyBytes(f, uint64(info.Size()), first, limit)
}

func surveyBytes(r io.ReaderAt, size, first, limit uint64) (*survey, error) {
	f := &boltFile{file: r, size: size}
	meta, err := f.meta()
	if err != nil {
		return nil, err
	}
	s := &survey{dropped: totals{}}
	f.note(f.freelist(meta.freelist))
	found := 0
	f.walk(meta.root, 0, func(e element) {
		visit := s.visitor(f, e.key)
		if visit == nil || !e.bucket {
			f.note(fmt.Errorf("bucket %q: %w", e.key, errDamaged))
			return
		}
		found++
		f.bucket(e, visit)
	})
	if want := len(buckets(s.format)); found < want {
		f.note(fmt.Errorf("%d of %d buckets: %w", found, want, errDamaged))
	}
	if s.next > 0 { // when that one is missing, what it made void stays so
		limit = min(limit, s.next)
	}
	s.keep(f, first, limit)
	s.damage = f.damage()
	return s, nil
}

// visitor says what to do with the contents of a bucket.
func (s *survey) visitor(f *boltFile, bucket []byte) func(element) {
	if thinned := bytes.Equal(bucket, thinnedBucket); thinned || bytes.Equal(bucket, pagesBucket) {
		return func(e element) {
			p, err := parseKey(thinned, e.key)
			e = f.body(e)
			if err == nil && e.size != uint64(p.bytes) {
				err = fmt.Errorf("page of record %d: %d bytes instead of %d: %w", p.first, e.size, p.bytes, errDamaged)
			}
			if err != nil {
				f.note(err)
				return
			}
			if p.at = int64(e.at); thinned {
				s.thinned = append(s.thinned, p)
				return
			}
			s.pages = append(s.pages, p)
		}
	}
	for _, b := range buckets(formatVersion) {
		if bytes.Equal(bucket, b) {
			return func(e element) { f.note(s.entry(f, b, e)) }
		}
	}
	return nil
}

// entry takes over what is signed.
func (s *survey) entry(f *boltFile, bucket []byte, e element) error {
	e = f.body(e)
	raw, err := f.read(e.at, e.size)
	if err != nil {
		return err
	}
	value, ok := verified(bucket, e.key, raw)
	if ok {
		switch string(bucket) {
		case string(journalBucket):
			s.journal = append(s.journal, value)
		case string(metaBucket):
			ok = s.meta(string(e.key), value)
		default:
			ok = s.cursor(string(bucket), e.key, value)
		}
	}
	if !ok {
		return fmt.Errorf("%s %x: %w", bucket, e.key, errDamaged)
	}
	return nil
}

// cursor takes over what belongs to a cursor. Version 1 had one, and did not say so.
func (s *survey) cursor(bucket string, key, value []byte) bool {
	slot := byte(0)
	if len(key) != 8 { // version 1 had no slots
		slot, key = key[0], key[1:]
	}
	if slot >= maxCursors {
		return false
	}
	k := &s.known[slot]
	k.slot = slot
	switch bucket {
	case string(goneBucket):
		return k.gone.parse(key, value)
	case string(lossesBucket):
		return k.losses.parse(key, value)
	case string(heirsBucket):
		return k.heirs.parse(key, value)
	}
	s.there[slot] = len(key) == 0 && k.parse(value)
	return s.there[slot]
}

// keep sorts out pages that have no business here. Those from limit on are what a commit left that was reported as not
// done: the next segment begins there, and has given the numbers anew.
func (s *survey) keep(f *boltFile, first, limit uint64) {
	kept := s.pages[:0]
	for _, p := range s.pages {
		switch {
		case p.first >= limit:
		case p.first < first || p.last() >= limit:
			f.note(fmt.Errorf("page of record %d: it is out of place: %w", p.first, errDamaged))
		default:
			kept, first = append(kept, p), p.last()+1
		}
	}
	s.pages = kept
}

// errFormat: the folder was written by a later version.
var errFormat = errors.New("a newer version wrote it: go back to that one, or set buffer: {path: ...} to another folder")

// meta takes over one value of the meta bucket.
func (s *survey) meta(key string, value []byte) bool {
	switch key {
	case epochKey:
		s.epoch = string(value)
		return true
	case formatKey:
		return parseNumber(value, &s.format)
	case firstKey:
		return parseNumber(value, &s.first)
	case beginKey:
		return parseNumber(value, &s.begin)
	case nextKey:
		return parseNumber(value, &s.next)
	case voidKey:
		for ; len(value) >= 16; value = value[16:] {
			s.void = append(s.void, ending{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])})
		}
		return len(value) == 0
	}
	if len(value) != 16 {
		return false
	}
	s.dropped[key] = Dropped{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}
	return true
}

func parseNumber(value []byte, n *uint64) bool {
	if len(value) != 8 || value[0] >= 0x80 {
		return false
	}
	*n = binary.BigEndian.Uint64(value)
	return true
}
