package local

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// The levels of chunks (schema.sql says what they hold).
const (
	levelPage = iota
	levelGrowing
	levelFull
)

const (
	fullChunk = 4096                  // samples that make a chunk full; it is never written again
	maxHole   = int64(24 * time.Hour) // a chunk does not reach over a longer time without samples
	keyBase   = 36                    // a series' name in its chunks is its id in this base
	pageBits  = 6                     // 64 points a page
	pageMask  = int64(1)<<pageBits - 1
)

// chunk is a row of the table, without its id.
type chunk struct {
	level       int
	owner       int64 // the page at levelPage, else the series
	first, last int64
	arrival     int64
	samples     int
	data        []byte
}

// span is how much time the chunk covers, saturating.
func (c chunk) span() int64 {
	if d := c.last - c.first; d >= 0 {
		return d
	}
	return 1<<63 - 1
}

func insertChunks(c *conn, chunks []chunk) error {
	query := "INSERT INTO chunk (level, owner, first, last, arrival, samples, data) VALUES (?, ?, ?, ?, ?, ?, ?)"
	for _, k := range chunks {
		if _, err := c.exec(context.Background(), query, k.level, k.owner, k.first, k.last, k.arrival, k.samples, k.data); err != nil {
			return err
		}
	}
	return nil
}

func deleteChunks(c *conn, ids []int64) error {
	for _, id := range ids {
		if _, err := c.exec(context.Background(), "DELETE FROM chunk WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}

// seriesKey is what a series is called inside its chunks: shorter than the point's name, and never empty.
func seriesKey(id int64) string { return strconv.FormatInt(id, keyBase) }

func parseKey(key string) (series int64, err error) { return strconv.ParseInt(key, keyBase, 64) }

// column is the samples of one series on their way into chunks.
type column struct {
	series  int64
	name    string
	samples []telemetry.Sample
}

// sortByTime orders by time and keeps the order of arrival among equal times.
func sortByTime(samples []telemetry.Sample) {
	byTime := func(a, b telemetry.Sample) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(samples, byTime) {
		slices.SortStableFunc(samples, byTime)
	}
}

// encodePointChunks makes the chunks of one series from its samples, which are sorted by time.
func encodePointChunks(enc *wire.Encoder, series, arrival int64, samples []telemetry.Sample) (made []chunk, err error) {
	k, names := chunk{owner: series, arrival: arrival}, []string{seriesKey(series)}
	for i := range samples {
		samples[i].Point = 0 // the one in names
	}
	for len(samples) > 0 {
		n := beforeHole(samples)
		k.level = levelGrowing
		if n >= fullChunk || n < len(samples) {
			k.level = levelFull
		}
		for left := n; left > 0; {
			size := left
			if left >= 2*fullChunk {
				size = fullChunk
			}
			if made, err = encodeChunks(made, enc, k, names, samples[:size]); err != nil {
				return nil, err
			}
			samples, left = samples[size:], left-size
		}
	}
	return made, nil
}

// beforeHole is how many samples come before the first hole in time.
func beforeHole(samples []telemetry.Sample) int {
	for i := 1; i < len(samples); i++ {
		if d := samples[i].Time - samples[i-1].Time; d > maxHole || d < 0 { // < 0: more than int64 holds
			return i
		}
	}
	return len(samples)
}

// encodeChunks appends k with the samples in it, as several chunks where they are too much for one block.
func encodeChunks(made []chunk, enc *wire.Encoder, k chunk, names []string, samples []telemetry.Sample) ([]chunk, error) {
	data, err := enc.AppendBlock(nil, names, samples)
	if errors.Is(err, wire.ErrTooMuch) && len(samples) > 1 {
		half := len(samples) / 2
		if made, err = encodeChunks(made, enc, k, names, samples[:half]); err != nil {
			return nil, err
		}
		return encodeChunks(made, enc, k, names, samples[half:])
	}
	if err != nil {
		return nil, err
	}
	sum, err := wire.Peek(data)
	if err != nil {
		return nil, err
	}
	k.first, k.last, k.samples, k.data = sum.From, sum.To, sum.Samples, data
	return append(made, k), nil
}
