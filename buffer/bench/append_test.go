// Package bench measures the buffer beside others, each asked for the same: on disk when the call returns. It is a
// module of its own, so that the rivals are no dependencies of the gateway.
package bench

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"

	"github.com/penstock-edge/penstock/buffer"
)

// rivals give a function that appends n records of so many bytes durably.
var rivals = map[string]func(tb testing.TB) func(n int, data []byte) error{
	"penstock": func(tb testing.TB) func(int, []byte) error {
		q, err := buffer.Open(tb.TempDir(), buffer.Options{})
		must(tb, err)
		tb.Cleanup(func() { must(tb, q.Close()) })
		return func(n int, data []byte) error {
			recs := make([]buffer.Record, n)
			for i := range recs {
				recs[i] = buffer.Record{Class: buffer.Normal, Samples: 1, Data: data}
			}
			_, err := q.Append(tb.Context(), recs...)
			return err
		}
	},
	"bbolt": func(tb testing.TB) func(int, []byte) error {
		db, err := bbolt.Open(filepath.Join(tb.TempDir(), "db"), 0o600, nil)
		must(tb, err)
		tb.Cleanup(func() { must(tb, db.Close()) })
		return func(n int, data []byte) error {
			return db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists([]byte("q"))
				for range n {
					seq, _ := b.NextSequence()
					err = b.Put(binary.BigEndian.AppendUint64(nil, seq), data)
				}
				return err
			})
		}
	},
	"wal": func(tb testing.TB) func(int, []byte) error {
		l, err := wal.Open(tb.TempDir(), nil)
		must(tb, err)
		tb.Cleanup(func() { must(tb, l.Close()) })
		next := uint64(1)
		return func(n int, data []byte) error {
			var b wal.Batch
			for range n {
				b.Write(next, data)
				next++
			}
			return l.WriteBatch(&b)
		}
	},
	"sqlite": func(tb testing.TB) func(int, []byte) error {
		db, err := sql.Open("sqlite", filepath.Join(tb.TempDir(), "db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
		must(tb, err)
		tb.Cleanup(func() { must(tb, db.Close()) })
		_, err = db.Exec("CREATE TABLE q (seq INTEGER PRIMARY KEY, data BLOB)")
		must(tb, err)
		return func(n int, data []byte) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			put, err := tx.Prepare("INSERT INTO q (data) VALUES (?)")
			if err != nil {
				return err
			}
			for range n {
				if _, err := put.Exec(data); err != nil {
					return err
				}
			}
			return tx.Commit()
		}
	},
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, load := range []struct{ records, bytes int }{{1, 200}, {1000, 200}, {1, 50_000}} {
		for _, name := range []string{"penstock", "bbolt", "wal", "sqlite"} {
			b.Run(fmt.Sprintf("%dx%d/%s", load.records, load.bytes, name), func(b *testing.B) {
				put, data := rivals[name](b), make([]byte, load.bytes)
				for b.Loop() {
					must(b, put(load.records, data))
				}
				b.ReportMetric(float64(b.N*load.records)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}
