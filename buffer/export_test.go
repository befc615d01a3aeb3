package buffer

// Indexed is how many pages of a class are held in memory to be found.
func (q *Queue) Indexed(class Class) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.indexes[class].pages)
}
