package config

import (
	"fmt"
	"sort"
	"strings"
)

// suggest words what was probably meant, or what there is to choose from.
func suggest(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return ""
	}
	sorted := append([]string(nil), known...)
	sort.Strings(sorted)
	const most = 24
	if len(sorted) > most {
		sorted = append(sorted[:most], "...")
	}
	return "known here: " + strings.Join(sorted, ", ")
}

// nearest is the known word with the fewest slips of the pen, empty when all are too far away.
func nearest(word string, known []string) string {
	best, fewest := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := slips(strings.ToLower(word), strings.ToLower(k)); d < fewest || d == fewest && best != "" && k < best {
			best, fewest = k, d
		}
	}
	return best
}

// slips counts insertions, deletions, replacements and swaps of neighbours from a to b (optimal string alignment).
func slips(a, b string) int {
	const longest = 64 // longer words are no slip of each other
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
