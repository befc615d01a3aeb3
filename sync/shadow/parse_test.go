package shadow_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/penstock-edge/penstock/sync/shadow"
)

// FuzzParse holds our reading of JSON against encoding/json's.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"{\"a\":[1,-2.5e+3 , \"\\u00e9\\\\\\\"\",true,false,{ }, []] ,\n\t\"b\" : {\"\":\"\"},\"c\":\"\\ud83d\\ude00\\ud800\"}", `{}`, `{"a":0}`, ` {"a":"\\"} `, `{"a":[[],[[]]]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		wrapped := append(append([]byte(`{"version":1,"state":{"desired":`), value...), `}}`...)
		var want struct {
			Version int
			State   struct{ Desired map[string]any }
		}
		d := json.NewDecoder(bytes.NewReader(wrapped))
		d.UseNumber()
		err := d.Decode(&want)
		a, refused := shadow.ParseAnswer(wrapped, shadow.Limits{})
		if refused != nil {
			return // stricter: depth, keys that stand twice, UTF-8
		}
		if err != nil || d.More() {
			return // a desired that is no object, or keys that encoding/json folds
		}
		got, ok := a.State["desired"].(shadow.Object)
		if ok && len(a.State) == 1 && want.Version == 1 && !shadow.Equal(got, shadow.Object(want.State.Desired)) {
			t.Fatalf("%s\nread as %v\nwant    %v", wrapped, got, want.State.Desired)
		}
	})
}
