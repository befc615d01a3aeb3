package isolate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// maxFrame bounds a payload: the points of 100,000 nodes, as JSON. Nothing near it is allocated before its bytes are there.
const maxFrame = 32 << 20

// headerSize is size (4 bytes), kind (1) and call (4), big endian.
const headerSize = 9

// kind says what a frame carries.
type kind byte

// The frames from the gateway to the process that runs an adapter, then those the other way.
const (
	kindOpen      kind = 1 + iota // order: settings, the first frame
	kindPrepare                   // order: points; the call is the reader's number from then on
	kindRead                      // order: which reader, and for how long
	kindWrite                     // order: a point and its value
	kindSubscribe                 // order: points
	kindPing                      // nothing; answered at once
	kindCancel                    // nothing: the call's context has ended
	kindRelease                   // nothing: the call's reader is not needed any more

	kindSamples // samples of the call
	kindDone    // result: the call has ended, nothing more comes of it
	kindLog     // a line for the log
)

// frame is one message. The payload is good until the next is read.
type frame struct {
	kind    kind
	call    uint32
	payload []byte
}

// appendFrame writes a frame as it is on the pipe.
func appendFrame(to []byte, f frame) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(f.payload)))
	to = append(to, byte(f.kind))
	to = binary.BigEndian.AppendUint32(to, f.call)
	return append(to, f.payload...)
}

// frameReader reads frames off a pipe.
type frameReader struct {
	from   io.Reader
	header [headerSize]byte
	body   bytes.Buffer
}

// next reads one frame; io.EOF when the pipe ended between two.
func (r *frameReader) next() (frame, error) {
	if _, err := io.ReadFull(r.from, r.header[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(r.header[:])
	f := frame{kind: kind(r.header[4]), call: binary.BigEndian.Uint32(r.header[5:])}
	if size > maxFrame {
		return f, fmt.Errorf("a frame of %d bytes; at most %d are taken", size, maxFrame)
	}
	if r.body.Cap() > keepBuffer {
		r.body = bytes.Buffer{}
	}
	r.body.Reset()
	if _, err := io.CopyN(&r.body, r.from, int64(size)); err != nil {
		return f, fmt.Errorf("the pipe ended inside a frame: %w", io.ErrUnexpectedEOF)
	}
	f.payload = r.body.Bytes()
	return f, nil
}

// keepBuffer is how much of a buffer is kept for the next frame: what a list of points took once is given back.
const keepBuffer = 256 << 10
