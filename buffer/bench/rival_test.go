// Package bench measures the buffer beside others, each asked for the same: on disk when the call returns. It is a
// module of its own, so that the rivals are no dependencies of the gateway.
package bench

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/persistentqueue"
	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"
	_ "modernc.org/sqlite"

	"github.com/penstock-edge/penstock/buffer"
)

// put appends n records of some bytes, and returns when they are on disk.
type put func(n int, data []byte) error

// rival makes one for a benchmark.
type rival struct {
	name string
	open func(tb testing.TB) put
}

func rivals() []rival {
	return []rival{{"bbolt", openBbolt}, {"wal", openWAL}, {"sqlite", openSQLite}, {"vmqueue", openVM}}
}

// must ends a benchmark that went wrong.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func openPenstock(tb testing.TB) *buffer.Queue {
	q, err := buffer.Open(tb.TempDir(), buffer.Options{})
	must(tb, err)
	tb.Cleanup(func() { must(tb, q.Close()) })
	return q
}

func records(n int, data []byte) []buffer.Record {
	recs := make([]buffer.Record, n)
	for i := range recs {
		recs[i] = buffer.Record{Class: buffer.Normal, Samples: 1, Data: data}
	}
	return recs
}

func openBbolt(tb testing.TB) put {
	db, err := bbolt.Open(filepath.Join(tb.TempDir(), "db"), 0o600, nil)
	must(tb, err)
	tb.Cleanup(func() { must(tb, db.Close()) })
	return func(n int, data []byte) error {
		return db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("q"))
			for range n {
				seq, _ := b.NextSequence()
				err = errors.Join(err, b.Put(binary.BigEndian.AppendUint64(nil, seq), data))
			}
			return err
		})
	}
}

func openWAL(tb testing.TB) put {
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
}

func openSQLite(tb testing.TB) put {
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
}

// openVM: VictoriaMetrics' queue never asks for its data to be on disk, and keeps it in memory for up to a second. To have it there, it is
// closed, its files are synced, and it is opened again.
func openVM(tb testing.TB) put {
	must(tb, flag.Set("loggerLevel", "ERROR")) // it logs each opening
	dir := tb.TempDir()
	open := func() *persistentqueue.FastQueue { return persistentqueue.MustOpenFastQueue(dir, "q", 0, 0, false) }
	q := open()
	tb.Cleanup(func() { q.MustClose() })
	return func(n int, data []byte) error {
		for range n {
			q.MustWriteBlockIgnoreDisabledPQ(data)
		}
		q.MustClose()
		err := syncFiles(dir)
		q = open()
		return err
	}
}

func syncFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		f, openErr := os.Open(filepath.Join(dir, e.Name()))
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		err = errors.Join(err, f.Sync(), f.Close())
	}
	return err
}
