package command

import (
	"errors"
	"strings"

	"github.com/penstock-edge/penstock/gateway/state"
)

// maxDescription is how much AWS takes of a reason, in bytes at most.
const maxDescription = 1024

func cut(reason string) string {
	if len(reason) <= maxDescription {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxDescription-3], "") + "..."
}

// maxPending is how many answers Pending gives at a time.
const maxPending = 1000

var errEnough = errors.New("enough")

// Pending are the last answers that the cloud has not confirmed, those of former processes too: for after a connection was made. It gives 1,000
// at most: who has had those confirmed asks again.
func (d *Desk) Pending() (answers []Answer, err error) {
	err = d.log.store.View(room, func(s state.Shelf) error {
		err := s.Each("answer/", func(key string, _ []byte) error {
			if len(answers) == maxPending {
				return errEnough
			}
			id := strings.TrimPrefix(key, "answer/")
			r, err := readRecord(s.Get("done/" + id))
			if err != nil {
				return err
			}
			answers = append(answers, Answer{Execution: r.Key, Topic: r.Answer, Payload: respond(r.result())})
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	return answers, err
}

// Answered forgets an answer that the cloud has confirmed. The order's result is kept.
func (d *Desk) Answered(execution string) error {
	key := "answer/" + Order{Channel: Command, Key: execution}.id()
	return d.log.commit(func(p *page) error { return p.shelf.Delete(key) })
}
