package buffer

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// Numbers of bbolt's file format, version 2 (go.etcd.io/bbolt, internal/common: page.go, meta.go).
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	pageHeader  = 16
	element     = 16
	metaSize    = 64

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketFlag   = 0x01

	maxDepth = 24
)

// inspection walks the pages of a bbolt file before bbolt does. On a damaged page bbolt may panic in a goroutine of
// its own or follow a circle for ever; a file that passes here lets it do neither.
type inspection struct {
	file     *os.File
	pageSize uint64
	pages    uint64 // below this number pages are in use
	seen     map[uint64]bool
}

// inspect says what is wrong with a segment's file.
func inspect(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := inspection{file: f, pageSize: uint64(os.Getpagesize()), seen: map[uint64]bool{}}
	root, freelist, err := in.meta()
	if err != nil {
		return err
	}
	if err := in.freelist(freelist); err != nil {
		return err
	}
	return in.walk(root, 0)
}

func (in *inspection) damaged(id uint64, what string) error {
	return fmt.Errorf("page %d: %s: %w", id, what, errDamaged)
}

// meta reads both meta pages and takes the younger sound one, as bbolt does.
func (in *inspection) meta() (root, freelist uint64, err error) {
	info, err := in.file.Stat()
	if err != nil {
		return 0, 0, err
	}
	var youngest uint64
	found := false
	for id := range uint64(2) {
		b := make([]byte, pageHeader+metaSize)
		if _, err := in.file.ReadAt(b, int64(id*in.pageSize)); err != nil {
			continue // too short for it
		}
		m := b[pageHeader:]
		h := fnv.New64a()
		h.Write(m[:56])
		le := binary.LittleEndian
		txid := le.Uint64(m[48:])
		if le.Uint32(m) != boltMagic || le.Uint32(m[4:]) != boltVersion || le.Uint32(m[8:]) != uint32(in.pageSize) || le.Uint64(m[56:]) != h.Sum64() || found && txid < youngest {
			continue
		}
		found, youngest = true, txid
		root, freelist, in.pages = le.Uint64(m[16:]), le.Uint64(m[32:]), le.Uint64(m[40:])
	}
	if !found {
		return 0, 0, in.damaged(0, "no sound meta page")
	}
	if uint64(info.Size()) < in.pages*in.pageSize {
		return 0, 0, in.damaged(in.pages-1, "the file ends before it")
	}
	return root, freelist, nil
}

// page reads the beginning of a page, or the whole of it, and marks it with its overflow as in use.
func (in *inspection) page(id uint64, whole bool) (b []byte, flags, count uint16, err error) {
	if id < 2 || id >= in.pages || in.seen[id] {
		return nil, 0, 0, in.damaged(id, "it is out of place")
	}
	in.seen[id] = true
	b = make([]byte, in.pageSize)
	if _, err := in.file.ReadAt(b, int64(id*in.pageSize)); err != nil {
		return nil, 0, 0, err
	}
	le := binary.LittleEndian
	overflow := uint64(le.Uint32(b[12:]))
	if le.Uint64(b) != id || id+overflow >= in.pages {
		return nil, 0, 0, in.damaged(id, "its header makes no sense")
	}
	for i := id + 1; i <= id+overflow; i++ {
		if in.seen[i] {
			return nil, 0, 0, in.damaged(i, "it belongs to two pages")
		}
		in.seen[i] = true
	}
	if overflow > 0 && whole {
		if b, err = in.again(id); err != nil {
			return nil, 0, 0, err
		}
	}
	return b, le.Uint16(b[8:]), le.Uint16(b[10:]), nil
}

// freelist marks the free pages: one that is in use as well would be overwritten by the next commit.
func (in *inspection) freelist(id uint64) error {
	b, flags, count, err := in.page(id, true)
	if err != nil {
		return err
	}
	ids, n := b[pageHeader:], uint64(count)
	if count == 0xFFFF {
		n, ids = binary.LittleEndian.Uint64(ids), ids[8:]
	}
	if flags != freelistFlag || n > uint64(len(ids))/8 {
		return in.damaged(id, "it is no list of free pages")
	}
	for ; n > 0; n, ids = n-1, ids[8:] {
		free := binary.LittleEndian.Uint64(ids)
		if free < 2 || free >= in.pages || in.seen[free] {
			return in.damaged(free, "it is free and in use")
		}
		in.seen[free] = true
	}
	return nil
}

// walk follows branches and buckets down to the leaves.
func (in *inspection) walk(id uint64, depth int) error {
	b, flags, count, err := in.page(id, false)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return in.damaged(id, "it lies too deep")
	}
	if pageHeader+int(count)*element > len(b) {
		if b, err = in.again(id); err != nil {
			return err
		}
		if pageHeader+int(count)*element > len(b) {
			return in.damaged(id, "it counts more than it holds")
		}
	}
	switch flags {
	case branchFlag:
		return in.branch(id, b, int(count), depth)
	case leafFlag:
		return in.leaf(id, b, int(count), depth)
	}
	return in.damaged(id, "it is of no known kind")
}

// again reads a page with all its overflow, where the first of it did not reach.
func (in *inspection) again(id uint64) ([]byte, error) {
	head := make([]byte, pageHeader)
	if _, err := in.file.ReadAt(head, int64(id*in.pageSize)); err != nil {
		return nil, err
	}
	b := make([]byte, (uint64(binary.LittleEndian.Uint32(head[12:]))+1)*in.pageSize)
	_, err := in.file.ReadAt(b, int64(id*in.pageSize))
	return b, err
}

func (in *inspection) size(id uint64) (uint64, error) {
	head := make([]byte, pageHeader)
	_, err := in.file.ReadAt(head, int64(id*in.pageSize))
	return (uint64(binary.LittleEndian.Uint32(head[12:])) + 1) * in.pageSize, err
}

func (in *inspection) branch(id uint64, b []byte, count, depth int) error {
	size, err := in.size(id)
	if err != nil {
		return err
	}
	if count == 0 {
		return in.damaged(id, "a branch without leaves")
	}
	for i := range count {
		at := pageHeader + i*element
		e := b[at:]
		pos, key := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:])
		if uint64(at)+uint64(pos)+uint64(key) > size {
			return in.damaged(id, "a key lies outside of it")
		}
		if err := in.walk(binary.LittleEndian.Uint64(e[8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) leaf(id uint64, b []byte, count, depth int) error {
	size, err := in.size(id)
	if err != nil {
		return err
	}
	for i := range count {
		at := pageHeader + i*element
		e := b[at:]
		le := binary.LittleEndian
		value := uint64(at) + uint64(le.Uint32(e[4:])) + uint64(le.Uint32(e[8:]))
		if value+uint64(le.Uint32(e[12:])) > size || le.Uint32(e) > bucketFlag {
			return in.damaged(id, "a value lies outside of it")
		}
		if le.Uint32(e)&bucketFlag == 0 {
			continue
		}
		if err := in.bucket(id, value, uint64(le.Uint32(e[12:])), depth); err != nil {
			return err
		}
	}
	return nil
}

// bucket follows a bucket's root; one that is small lives inline, behind its header, as a page of its own kind.
func (in *inspection) bucket(id, at, size uint64, depth int) error {
	if size < 16 || size > 1<<16 {
		return in.damaged(id, "a bucket makes no sense")
	}
	v := make([]byte, size)
	if _, err := in.file.ReadAt(v, int64(id*in.pageSize+at)); err != nil {
		return err
	}
	le := binary.LittleEndian
	if root := le.Uint64(v); root != 0 {
		return in.walk(root, depth+1)
	}
	if len(v) < 16+pageHeader {
		return in.damaged(id, "an inline bucket makes no sense")
	}
	inline := v[16:]
	count := int(le.Uint16(inline[10:]))
	if le.Uint16(inline[8:]) != leafFlag || pageHeader+count*element > len(inline) {
		return in.damaged(id, "an inline bucket makes no sense")
	}
	for i := range count {
		from := pageHeader + i*element
		e := inline[from:]
		if le.Uint32(e) != 0 || uint64(from)+uint64(le.Uint32(e[4:]))+uint64(le.Uint32(e[8:]))+uint64(le.Uint32(e[12:])) > uint64(len(inline)) {
			return in.damaged(id, "an inline bucket makes no sense")
		}
	}
	return nil
}
