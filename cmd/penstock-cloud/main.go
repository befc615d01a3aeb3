// Command penstock-cloud is the control plane that gateways sync to: a server, and the tools of whoever runs it.
//
// main is policy: flags, signals, exit codes. The program is run, and the server is cloud/server.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build (-ldflags "-X main.version=...").
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "penstock-cloud:", err)
	stop()
	os.Exit(exitCode(err))
}

// usageError is a command line that means nothing: exit code 2.
type usageError struct{ error }

func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}
