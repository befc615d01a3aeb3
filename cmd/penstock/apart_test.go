package main

import (
	"os"
	"testing"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/adapters/isolate"
)

// TestMain lets the program under test, which here is the test, run an adapter apart as main does.
func TestMain(m *testing.M) {
	if isolate.IsChild(os.Args) {
		os.Exit(isolate.Child(all.Kinds()))
	}
	os.Exit(m.Run())
}
