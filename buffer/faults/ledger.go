package faults

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Ledger is what the outside knows of one folder's buffer over all its crashes: what the store said was on disk, and what it
// delivered. It plays the receiver, which tells a repeat by epoch and number. Whatever breaks the promise is in Wrong.
type Ledger struct {
	Kept  map[uint64]bool // items that were acknowledged into the buffer
	Seen  map[uint64]Place
	Wrong []string

	held  map[Place]string // what was delivered under a number
	epoch string
	here  map[uint64]string // items in the folder, as the last look at it found them, and where
	known bool              // the folder was looked at to the end

	Lossy  bool // something was damaged: what is declared may be lost
	Errors int  // commits that the store was told had failed
	Opened int
	Losses []string
}

// Place is where an item was delivered from.
type Place struct {
	Epoch string
	Seq   uint64
}

// NewLedger is that of an empty folder.
func NewLedger() *Ledger {
	return &Ledger{Kept: map[uint64]bool{}, Seen: map[uint64]Place{}, held: map[Place]string{}}
}

func (l *Ledger) wrong(format string, args ...any) {
	l.Wrong = append(l.Wrong, fmt.Sprintf(format, args...))
}

// Listen takes down what a store says, to the end. A line is a word and what it is about; one that was cut off with its
// process was not said.
func (l *Ledger) Listen(r io.Reader, heard func(word string)) {
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		l.hear(word, rest)
		if heard != nil {
			heard(word)
		}
	}
}

func (l *Ledger) hear(word, rest string) {
	switch word {
	case "opening", "retry", "still":
	case "opened":
		l.opened(rest)
	case "unsealed":
		for _, item := range numbers(rest) {
			l.find(item, "the journal")
		}
	case "kept":
		for _, item := range numbers(rest) {
			l.Kept[item] = true
		}
	case "void":
		l.Errors++
	case "holds", "got":
		l.deliver(word, rest)
	case "loss":
		l.Losses = append(l.Losses, rest)
	case "whole":
		l.known = true
	default:
		l.wrong("the store says: %s %s", word, rest)
	}
}

// opened notes the epoch, which must stay once something was acknowledged in it.
func (l *Ledger) opened(epoch string) {
	l.Opened++
	if len(l.Kept) > 0 && l.epoch != "" && epoch != l.epoch {
		l.wrong("epoch %s became %s", l.epoch, epoch)
	}
	l.epoch = epoch
	l.here, l.known, l.Losses = map[uint64]string{}, false, nil
}

// deliver takes in a record: "holds" was found in the folder, "got" is on its way to be acknowledged.
func (l *Ledger) deliver(word, rest string) {
	all := numbers(rest)
	if len(all) == 0 {
		l.wrong("the store says: %s %s", word, rest)
		return
	}
	place, items := Place{l.epoch, all[0]}, all[1:]
	text := fmt.Sprint(items)
	if before, ok := l.held[place]; ok && before != text {
		l.wrong("record %d was %s, and is %s", place.Seq, before, text)
	}
	for _, item := range items {
		if word == "holds" {
			l.find(item, fmt.Sprintf("record %d", place.Seq))
		}
		if before, ok := l.Seen[item]; ok && before != place {
			l.wrong("item %d is visible twice, as record %d and %d", item, before.Seq, place.Seq)
		}
		if word == "got" {
			l.Seen[item] = place
		}
	}
	if word == "got" {
		l.held[place] = text
	}
}

// find notes where an item lies in the folder. In the journal must be nothing that was sealed and delivered.
func (l *Ledger) find(item uint64, where string) {
	if before, ok := l.here[item]; ok {
		l.wrong("item %d is there twice, in %s and %s", item, before, where)
	}
	if place, ok := l.Seen[item]; ok && where == "the journal" {
		l.wrong("item %d was delivered as record %d, and is in the journal still", item, place.Seq)
	}
	l.here[item] = where
}

// Settle is called after a look at the whole folder: what was acknowledged was delivered or is there.
func (l *Ledger) Settle() {
	if !l.known {
		l.wrong("the folder could not be looked at to its end")
		return
	}
	if l.Lossy && len(l.Losses) > 0 {
		return
	}
	for _, loss := range l.Losses {
		l.wrong("a loss is declared: %s", loss)
	}
	for _, item := range l.Missing() {
		l.wrong("item %d was acknowledged and is lost", item)
	}
}

// Missing are the items that were acknowledged and neither delivered nor found.
func (l *Ledger) Missing() (list []uint64) {
	for item := range l.Kept {
		_, seen := l.Seen[item]
		if _, here := l.here[item]; !seen && !here {
			list = append(list, item)
		}
	}
	return list
}

func numbers(text string) (list []uint64) {
	for _, field := range strings.Fields(text) {
		var n uint64
		if _, err := fmt.Sscan(field, &n); err == nil {
			list = append(list, n)
		}
	}
	return list
}
