package opcua

import (
	"fmt"
	"path"
	"strings"
)

// matches reports whether a path of browse names fits a pattern such as Motors/*/Speed or **/Temperature. An empty pattern fits everything.
func matches(pattern string, names []string) bool {
	if pattern == "" {
		return true
	}
	return fits(strings.Split(pattern, "/"), names)
}

// fits takes the time of pattern x names: row i holds which beginnings of names the first i parts of the pattern fit.
func fits(pattern, names []string) bool {
	row := make([]bool, len(names)+1)
	row[0] = true
	for _, part := range pattern {
		next := make([]bool, len(names)+1)
		if part == "**" {
			any := false
			for i := range row {
				any = any || row[i]
				next[i] = any
			}
		} else {
			for i, name := range names {
				ok, _ := path.Match(part, name) // the pattern was checked
				next[i+1] = ok && row[i]
			}
		}
		row = next
	}
	return row[len(names)]
}

// checkMatch finds what is wrong with a pattern.
func checkMatch(pattern string) error {
	for part := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("%q is no pattern: %w", part, err)
		}
	}
	return nil
}
