package gateway

import "path"

// keeper tells which points are named in `keep`: by name or by a pattern as in *.cycles.
func keeper(patterns []string) func(point string) bool {
	return func(point string) bool {
		for _, p := range patterns {
			if ok, err := path.Match(p, point); ok && err == nil {
				return true
			}
		}
		return false
	}
}
