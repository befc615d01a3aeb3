package main

import "testing"

// TestWhatIsGivenBackComesBack: the program goes on with pages that it gave away.
func TestWhatIsGivenBackComesBack(t *testing.T) {
	pages := ownPages()
	if len(pages) == 0 {
		t.Fatal("the program has no pages of its own: nothing would be given back")
	}
	for range 3 {
		giveBack()
	}
	if again := ownPages(); len(again) != len(pages) {
		t.Errorf("%d mappings, and afterwards %d", len(pages), len(again))
	}
}
