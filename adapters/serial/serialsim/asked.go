package serialsim

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Asked is a device, or several on one line, that says nothing until it gets its question.
type Asked struct {
	Line  *Line
	Delay time.Duration // between question and answer

	mu      sync.Mutex
	answers map[string][]byte
}

// Set changes the answer to a question, both byte for byte: "READ\r\n" and "+0012.5 kg\r\n".
func (a *Asked) Set(question, answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers == nil {
		a.answers = map[string][]byte{}
	}
	a.answers[question] = []byte(answer)
}

// longestQuestion bounds what is kept of bytes that are no question.
const longestQuestion = 256

// Run answers until ctx ends.
func (a *Asked) Run(ctx context.Context) error {
	var heard []byte
	buf := make([]byte, longestQuestion)
	for {
		n, err := a.Line.hear(ctx, buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		heard = append(heard, buf[:n]...)
		answer, rest := a.answer(heard)
		heard = append(heard[:0], rest[max(len(rest)-longestQuestion, 0):]...)
		if answer == nil {
			continue
		}
		select {
		case <-time.After(a.Delay):
		case <-ctx.Done():
			return nil
		}
		if err := a.Line.Say(answer); err != nil {
			return err
		}
	}
}

// answer finds the first question in what was heard, and gives what comes after it.
func (a *Asked) answer(heard []byte) (answer, rest []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := -1
	rest = heard
	for question, text := range a.answers {
		at := bytes.Index(heard, []byte(question))
		if at >= 0 && (first < 0 || at < first) {
			first, answer, rest = at, text, heard[at+len(question):]
		}
	}
	return answer, rest
}
