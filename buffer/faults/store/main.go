// store is a process on the real buffer that says on stdout what it did, so that somebody who outlives it can hold it to that.
//
//	store write DIR FIRST [early]   journal, seal, append alarms, deliver and acknowledge, until killed; items from FIRST on.
//	                                early: say that it is on disk before it is
//	store look DIR                  what is there
//	store session DIR FIRST         a fixed session, with attempts repeated that fail; no two runs do anything different
//
// A line is a word and what it is about (package faults, Ledger):
//
//	opening, opened EPOCH, unsealed ITEM..., kept ITEM..., void, holds SEQ ITEM..., got SEQ ITEM..., loss TEXT, whole
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/buffer/faults"
)

// segmentBytes is small, so that segments come and go all the time.
const segmentBytes = 24_000

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: store write|look|session DIR [FIRST] [early]")
	}
	dir, first := args[1], uint64(1)
	if len(args) > 2 {
		var err error
		if first, err = strconv.ParseUint(args[2], 10, 64); err != nil {
			return err
		}
	}
	switch args[0] {
	case "write":
		return write(dir, first, len(args) > 3)
	case "look":
		return look(dir)
	case "session":
		return session(dir, first)
	}
	return fmt.Errorf("%s: no such command", args[0])
}

var saying sync.Mutex

// say says it in one write, so that a line is out wholly or not at all.
func say(word string, numbers ...uint64) {
	var line strings.Builder
	line.WriteString(word)
	for _, n := range numbers {
		fmt.Fprintf(&line, " %d", n)
	}
	line.WriteByte('\n')
	saying.Lock()
	defer saying.Unlock()
	if _, err := os.Stdout.WriteString(line.String()); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

// open opens the buffer, and tells what a crash left in the journal.
func open(dir string) (*buffer.Queue, []uint64, error) {
	say("opening")
	q, err := buffer.Open(dir, buffer.Options{SegmentBytes: segmentBytes})
	if err != nil {
		return nil, nil, err
	}
	say("opened " + q.Epoch())
	var unsealed []uint64
	for _, entry := range q.Unsealed() {
		item, err := faults.EntryItem(entry)
		if err != nil {
			say("wrong bytes in the journal")
			continue
		}
		unsealed = append(unsealed, item)
	}
	say("unsealed", unsealed...)
	return q, unsealed, nil
}

// deliver says what a record holds.
func deliver(word string, r buffer.Record) {
	items, err := faults.Items(r)
	if err != nil {
		say(fmt.Sprintf("wrong bytes in record %d of class %s", r.Seq, r.Class))
		return
	}
	say(word, append([]uint64{r.Seq}, items...)...)
}
