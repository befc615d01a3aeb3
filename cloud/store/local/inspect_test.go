package local_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// ask reads one number from the store's file, as a person with the sqlite3 shell would.
func ask(tb testing.TB, dir, query string) (n int) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "penstock.db"))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n
}

func waiting(tb testing.TB, dir string) int { return ask(tb, dir, "SELECT count(*) FROM raw") }

// used and free are bytes of the file.
func used(tb testing.TB, dir string) int {
	return (ask(tb, dir, "PRAGMA page_count") - ask(tb, dir, "PRAGMA freelist_count")) * ask(tb, dir, "PRAGMA page_size")
}

func free(tb testing.TB, dir string) int {
	return ask(tb, dir, "PRAGMA freelist_count") * ask(tb, dir, "PRAGMA page_size")
}
