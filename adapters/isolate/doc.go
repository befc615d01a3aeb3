// Package isolate runs an adapter in a process of its own, for protocols whose library can take the process down: a
// panic on a goroutine of the library's own ends that process, and in it one connection.
//
// It knows the seam of package adapters and no protocol; the process is another start of the same program, which hands
// its list of kinds to Child. What goes through the pipe between the two is drawn in README.md. cmd imports it.
package isolate
