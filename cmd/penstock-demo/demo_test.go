package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestTheDemoAccountsForEverySample: also in a folder that an earlier run has filled.
func TestTheDemoAccountsForEverySample(t *testing.T) {
	dir := t.TempDir()
	for _, which := range []string{"first run", "second run"} {
		var out, said bytes.Buffer
		if code := run(t.Context(), []string{"--for", "3s", "--dir", dir, "-o", "json"}, &out, &said); code != 0 {
			t.Fatalf("%s: exit code %d: %s", which, code, said.String())
		}
		var a account
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v in %s", which, err, out.String())
		}
		if a.SamplesKept == 0 || a.SamplesKept != a.SamplesStored || a.Lost+a.Duplicates > 0 || a.Gaps > 0 {
			t.Errorf("%s: %+v", which, a)
		}
	}
}
