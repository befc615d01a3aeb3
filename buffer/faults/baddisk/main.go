// baddisk shows FOLDER at MNT, where a program can be run on it, and lets it fail as it is told on stdin, a word a line:
//
//	eio        whatever writes fails with EIO
//	readonly   whatever writes fails with EROFS
//	well       nothing fails
//
// It answers each with the same word, and "ready" at the start. It ends with stdin.
package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"

	"github.com/penstock-edge/penstock/buffer/faults/badfs"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: baddisk FOLDER MNT")
	}
	fs, err := badfs.Mount(args[0], args[1])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for words := bufio.NewScanner(os.Stdin); words.Scan(); fmt.Println(words.Text()) {
		switch words.Text() {
		case "eio":
			fs.Break(badfs.Fault{Operations: badfs.Writing(), At: 1, Error: syscall.EIO})
		case "readonly":
			fs.Break(badfs.Fault{Operations: badfs.Writing(), At: 1, Error: syscall.EROFS})
		case "well":
			fs.Break(badfs.Fault{})
		default:
			return fmt.Errorf("%s: no such fault", words.Text())
		}
	}
	return nil // whoever is on it keeps it busy, so it goes with the mount namespace
}
