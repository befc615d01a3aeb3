package wire

import (
	"fmt"
	"slices"
	"sort"

	"github.com/klauspost/compress/zstd"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Decoder reads blocks, in memory bounded whatever they say (FORMAT.md). It is for one goroutine at a time, and meant
// to be kept: it reuses its memory, and gives the names of a gateway's next block as the same strings.
type Decoder struct {
	zstd    *zstd.Decoder
	names   nameTable
	clocks  clockTable
	column  columnReader
	entries []entry

	index, times, values []byte // scratch for decompressed sections
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder { return &Decoder{zstd: newDecompressor()} }

// Decode calls yield with every sample of a block, point after point in the order of names, each point's samples in the order the
// encoder got them, until yield returns false. Sample.Point counts the points of this block. An error may come
// after some samples were given: whoever stores them stores none before Decode has returned nil.
func (d *Decoder) Decode(block []byte, yield func(name string, s telemetry.Sample) bool) error {
	names, values, err := d.open(block)
	if err != nil {
		return fmt.Errorf("decode a block: %w", err)
	}
	for i, e := range d.entries {
		c := cursor{buf: values[:e.size]}
		values = values[e.size:]
		d.column.readTimes(&c, e, d.clocks.clocks[e.clock])
		if err := d.column.readValues(&c, e); err != nil {
			return fmt.Errorf("decode point %s: %w", names[i], err)
		}
		if !d.column.each(telemetry.PointID(i), func(s telemetry.Sample) bool { return yield(names[i], s) }) {
			return nil
		}
	}
	return nil
}

// Column is Decode for one point; the others' values are skipped unread. A block without the point yields nothing.
func (d *Decoder) Column(block []byte, name string, yield func(telemetry.Sample) bool) error {
	names, values, err := d.open(block)
	if err != nil {
		return fmt.Errorf("decode a block: %w", err)
	}
	i := sort.SearchStrings(names, name)
	if i == len(names) || names[i] != name {
		return nil
	}
	times := i // the column that tells the times
	for d.entries[times].form&formTimes == timesBefore {
		times--
	}
	var c cursor
	for k, e := range d.entries[:i+1] {
		c.buf, values = values[:e.size], values[e.size:]
		if k == times || k == i {
			d.column.readTimes(&c, e, d.clocks.clocks[e.clock])
		}
	}
	if err := d.column.readValues(&c, d.entries[i]); err != nil {
		return fmt.Errorf("decode point %s: %w", name, err)
	}
	d.column.each(telemetry.PointID(i), yield)
	return nil
}

// open checks a block and reads all but its values.
func (d *Decoder) open(block []byte) (names []string, values []byte, err error) {
	h, err := parseHeader(block)
	if err != nil {
		return nil, nil, err
	}
	c := cursor{buf: block[h.size():]}
	d.column.doubted = h.Stamp.Doubted()
	left := h.body
	var index, times cursor
	index.buf, d.index = c.section(d.zstd, d.index, &left)
	times.buf, d.times = c.section(d.zstd, d.times, &left)
	values, d.values = c.section(d.zstd, d.values, &left)
	if err := c.end("the block"); err != nil {
		return nil, nil, err
	}
	if left != 0 {
		return nil, nil, fmt.Errorf("%w: its sections are %d bytes shorter than its header says", ErrDamaged, left)
	}
	if err := d.clocks.read(&times, &d.column.sequences, h); err != nil {
		return nil, nil, err
	}
	names, err = d.readIndex(&index, h, len(values))
	return names, values, err
}

func (d *Decoder) readIndex(c *cursor, h header, size int) ([]string, error) {
	names := d.names.read(c, h.Points)
	d.entries = slices.Grow(d.entries[:0], h.Points)[:h.Points]
	for i := range d.entries {
		f := form(c.byte())
		if !f.valid() || i == 0 && f&formTimes == timesBefore {
			c.fail("a column has the unknown form %#x", byte(f))
		}
		d.entries[i].form = f
	}
	samples := h.Samples
	for i := range d.entries {
		n := c.upTo(samples, "samples of a column are")
		if n == 0 {
			c.fail("a column has no samples")
		}
		d.entries[i].samples = n
		samples -= n
	}
	clock := int64(0)
	for i := range d.entries {
		clock += c.varint()
		if uint64(clock) >= uint64(len(d.clocks.clocks)) {
			c.fail("a column has clock %d of %d", clock, len(d.clocks.clocks))
			clock = 0
		}
		d.entries[i].clock = int(clock)
	}
	for i := range d.entries {
		n := c.upTo(size, "bytes of a column are")
		d.entries[i].size = n
		size -= n
	}
	if c.err == nil && (samples != 0 || size != 0) {
		c.fail("its columns do not fill it")
	}
	return names, c.end("the index")
}
