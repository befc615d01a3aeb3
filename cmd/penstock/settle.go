package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBack returns to the system what only the start of the daemon needed: memory of the heap, and the pages of the program itself that read the
// configuration and opened everything. Those come back from the page cache, or the disk, where they are needed after all.
func giveBack() {
	debug.FreeOSMemory()
	for _, m := range ownPages() {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED) // advice: where it is not taken, all stays as it is
	}
}

// mapping is a stretch of addresses.
type mapping struct{ from, to uintptr }

// ownPages are the mappings of the program's file that nothing writes to (proc(5), /proc/pid/maps).
func ownPages() (pages []mapping) {
	own, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		var m mapping
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &m.from, &m.to, &rights); err == nil && strings.HasPrefix(rights, "r-") && strings.HasSuffix(line, " "+own+"\n") {
			pages = append(pages, m)
		}
	}
	return pages
}
