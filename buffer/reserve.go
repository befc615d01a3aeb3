package buffer

// Where a file ends, what comes needs new blocks, and each fsync a commit of the file system's own journal as well. So the file is made longer a piece at
// a time, with zeros that are written and not only promised: what is then written into them is all that an fsync has to bring to the disk.
const (
	maxPiece = 1 << 20  // by how much a file grows
	overhead = 32 << 10 // of bbolt, for a commit: branches, the list of free pages
)

// reserve sees to it that the file reaches as far as a commit will, before bbolt, which would leave holes. It only ever writes behind the end. A
// disk that is full has its say when bbolt asks.
func (s *segment) reserve(size int64) {
	info, err := s.file.Stat()
	if err != nil || info.Size() >= size {
		return
	}
	more := max(min(s.piece, maxPiece), size-info.Size())
	zeros := make([]byte, min(more, 64<<10))
	for at := info.Size(); more > 0; {
		n, err := s.file.WriteAt(zeros[:min(more, int64(len(zeros)))], at)
		if err != nil {
			return
		}
		at, more = at+int64(n), more-int64(n)
	}
}
