package buffer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// Numbers of bbolt's file format, version 2 (go.etcd.io/bbolt, internal/common: page.go, meta.go).
const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	nodeHeader   = 16
	elementSize  = 16
	metaSize     = 64
	bucketHeader = 16

	branchFlag   = 0x01
	leafFlag     = 0x02
	freelistFlag = 0x10
	bucketFlag   = 0x01

	maxDepth = 24
	maxKey   = 256     // ours are far smaller than bbolt's limit
	maxSmall = 1 << 16 // of an inline bucket, and of a freelist entry's page
)

// boltFile reads a bbolt file with plain reads, and believes nothing: every page is read once at most, so a circle
// ends, and nothing is allocated that the file's own size does not bound.
type boltFile struct {
	file  io.ReaderAt
	size  uint64
	pages uint64 // below this number pages are in use
	used  []bool // by page
	wrong []error
}

// boltMeta is the part of a meta page that leads on.
type boltMeta struct{ root, freelist, pages, txid uint64 }

// node is a branch or leaf page, or an inline bucket.
type node struct {
	id    uint64 // of the page, for messages
	at    uint64 // where in the file it begins
	size  uint64
	flags uint16
	count int
	head  []byte // its beginning, all elements included
}

var le = binary.LittleEndian

func damaged(id uint64, what string) error {
	return fmt.Errorf("page %d: %s: %w", id, what, errDamaged)
}

// note keeps the first few things that are wrong; the walk goes on beside them.
func (f *boltFile) note(err error) {
	if err != nil && len(f.wrong) < 8 {
		f.wrong = append(f.wrong, err)
	}
}

func (f *boltFile) damage() error { return errors.Join(f.wrong...) }

// read gives n bytes at a place, if the file has them.
func (f *boltFile) read(at, n uint64) ([]byte, error) {
	if at > f.size || n > f.size-at {
		return nil, fmt.Errorf("%d bytes at %d: the file ends before: %w", n, at, errDamaged)
	}
	b := make([]byte, n)
	if _, err := f.file.ReadAt(b, int64(at)); err != nil {
		return nil, fmt.Errorf("%d bytes at %d: %w", n, at, errors.Join(err, errDamaged))
	}
	return b, nil
}

// meta takes the younger sound one of the two meta pages, as bbolt does. One that is not sound is damage: a torn write
// cannot do it, because it fits into one sector.
func (f *boltFile) meta() (best boltMeta, err error) {
	found := false
	for id := range uint64(2) {
		m, err := f.metaPage(id)
		if err != nil {
			f.note(err)
			continue
		}
		if !found || m.txid > best.txid {
			best, found = m, true
		}
	}
	if !found {
		return best, f.damage()
	}
	f.pages = best.pages
	if inFile := f.size / boltPage; f.pages > inFile {
		f.note(damaged(inFile, "the file ends before it"))
		f.pages = inFile
	}
	f.used = make([]bool, f.pages)
	return best, nil
}

func (f *boltFile) metaPage(id uint64) (m boltMeta, err error) {
	b, err := f.read(id*boltPage, nodeHeader+metaSize)
	if err != nil {
		return m, err
	}
	b = b[nodeHeader:]
	h := fnv.New64a()
	h.Write(b[:56])
	if le.Uint32(b) != boltMagic || le.Uint32(b[4:]) != boltVersion || le.Uint32(b[8:]) != boltPage || le.Uint64(b[56:]) != h.Sum64() {
		return m, damaged(id, "it is no sound meta page")
	}
	return boltMeta{root: le.Uint64(b[16:]), freelist: le.Uint64(b[32:]), pages: le.Uint64(b[40:]), txid: le.Uint64(b[48:])}, nil
}

// take marks pages as used; each can be used once.
func (f *boltFile) take(id, n uint64) error {
	if id < 2 || id >= f.pages || n > f.pages-id {
		return damaged(id, "it lies outside of the file")
	}
	for i := id; i < id+n; i++ {
		if f.used[i] {
			return damaged(i, "it is used twice")
		}
		f.used[i] = true
	}
	return nil
}

// node reads a page's header and elements.
func (f *boltFile) node(id uint64) (n node, err error) {
	if err := f.take(id, 1); err != nil {
		return n, err
	}
	head, err := f.read(id*boltPage, boltPage)
	if err != nil {
		return n, err
	}
	overflow := uint64(le.Uint32(head[12:]))
	if le.Uint64(head) != id {
		return n, damaged(id, "it has another page's number")
	}
	if err := f.take(id+1, overflow); overflow > 0 && err != nil {
		return n, err
	}
	n = node{id: id, at: id * boltPage, size: (overflow + 1) * boltPage, head: head}
	return n, f.elements(&n)
}

// elements reads what the header of a node promises.
func (f *boltFile) elements(n *node) (err error) {
	n.flags, n.count = le.Uint16(n.head[8:]), int(le.Uint16(n.head[10:]))
	need := uint64(nodeHeader + n.count*elementSize)
	if need > n.size {
		return damaged(n.id, "it counts more than it holds")
	}
	if need > uint64(len(n.head)) {
		n.head, err = f.read(n.at, need)
	}
	return err
}

// freelist marks the free pages: one that is in use as well would be overwritten by the next commit.
func (f *boltFile) freelist(id uint64) error {
	n, err := f.node(id)
	if n.flags != freelistFlag {
		return errors.Join(err, damaged(id, "it is no list of free pages"))
	}
	b, err := f.read(n.at, n.size) // its count is not of elements, so it may be more than elements would allow
	if err != nil {
		return err
	}
	ids, free := b[nodeHeader:], uint64(n.count)
	if free == 0xFFFF {
		free, ids = le.Uint64(ids), ids[8:]
	}
	if free > uint64(len(ids))/8 {
		return damaged(id, "it counts more than it holds")
	}
	for ; free > 0; free, ids = free-1, ids[8:] {
		if err := f.take(le.Uint64(ids), 1); err != nil {
			return err
		}
	}
	return nil
}

// element is a key of a leaf and where its value lies.
type element struct {
	key    []byte
	bucket bool
	at     uint64 // of the value in the file
	size   uint64
}

// walk visits the leaves below a page, in order. What is damaged is noted and left out, with all below it.
func (f *boltFile) walk(id uint64, depth int, visit func(element)) {
	n, err := f.node(id)
	if err == nil && depth > maxDepth {
		err = damaged(id, "it lies too deep")
	}
	switch {
	case err != nil:
		f.note(err)
	case n.flags == leafFlag:
		f.leaf(n, visit)
	case n.flags == branchFlag && n.count > 0:
		for i := range n.count {
			e := n.head[nodeHeader+i*elementSize:]
			if end := uint64(nodeHeader+i*elementSize) + uint64(le.Uint32(e)) + uint64(le.Uint32(e[4:])); end > n.size {
				f.note(damaged(id, "a key lies outside of it"))
			}
			f.walk(le.Uint64(e[8:]), depth+1, visit)
		}
	default:
		f.note(damaged(id, "it is of no known kind"))
	}
}

func (f *boltFile) leaf(n node, visit func(element)) {
	for i := range n.count {
		at := uint64(nodeHeader + i*elementSize)
		e := n.head[at:]
		flags, key, size := le.Uint32(e), uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
		at += uint64(le.Uint32(e[4:]))
		if flags > bucketFlag || key == 0 || key > maxKey || at+key+size > n.size {
			f.note(damaged(n.id, "an element makes no sense"))
			continue
		}
		k, err := f.part(n, at, key)
		if err != nil {
			f.note(err)
			continue
		}
		visit(element{key: k, bucket: flags == bucketFlag, at: n.at + at + key, size: size})
	}
}

// part is some of a node's bytes, read only if they are not there yet.
func (f *boltFile) part(n node, at, size uint64) ([]byte, error) {
	if at+size <= uint64(len(n.head)) {
		return n.head[at : at+size], nil
	}
	return f.read(n.at+at, size)
}

// bucket visits what is in a bucket; a small one lives inline, behind its header, as a node of its own.
func (f *boltFile) bucket(e element, visit func(element)) {
	if e.size < bucketHeader || e.size > maxSmall {
		f.note(damaged(e.at/boltPage, "a bucket makes no sense"))
		return
	}
	b, err := f.read(e.at, e.size)
	if err != nil {
		f.note(err)
		return
	}
	if root := le.Uint64(b); root != 0 {
		f.walk(root, 1, visit)
		return
	}
	n := node{id: e.at / boltPage, at: e.at + bucketHeader, size: e.size - bucketHeader, head: b[bucketHeader:]}
	if n.size < nodeHeader {
		f.note(damaged(n.id, "an inline bucket makes no sense"))
		return
	}
	if err := f.elements(&n); err != nil || n.flags != leafFlag {
		f.note(errors.Join(err, damaged(n.id, "an inline bucket makes no sense")))
		return
	}
	f.leaf(n, visit)
}
