package command

// Store is the database as a log sees it, so that a test can put one that fails in its place.
type Store = store

// OpenLogOn opens a log on such a store.
func OpenLogOn(s Store) (*Log, error) { return openLog(s) }

// Bound sets how many bytes of lines are kept.
func (l *Log) Bound(most int64) { l.most = most }

// Keys is how many keys are kept.
func (l *Log) Keys() uint64 { m := l.now(); return m.next - m.oldest }

// Same and ReadRecord are tested by themselves.
var (
	Same       = same
	ReadMarks  = func(b []byte) error { _, err := readMarks(b); return err }
	ReadRecord = func(b []byte) (again []byte, err error) {
		r, err := readRecord(b)
		if err != nil {
			return nil, err
		}
		return r.encode()
	}
)
