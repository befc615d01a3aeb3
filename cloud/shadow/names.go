package shadow

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	doc "github.com/penstock-edge/penstock/sync/shadow"
)

// Bounds of a page of names, as AWS IoT has them.
const (
	defaultPage = 25
	maxPage     = 100
)

// page is a piece of a list: the names after one, and how many.
type page struct {
	after string
	size  int
}

func parsePage(r *http.Request) (p page, bad *doc.Error) {
	q := r.URL.Query()
	p.size = defaultPage
	if text := q.Get("pageSize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return p, &doc.Error{Code: http.StatusBadRequest, Message: "pageSize must be a number from 1 to 100"}
		}
		p.size = n
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Get("nextToken"))
	if err != nil || len(after) > doc.MaxName {
		return p, &doc.Error{Code: http.StatusBadRequest, Message: "nextToken is not one that an answer here had: leave it out to begin at the first"}
	}
	p.after = string(after)
	return p, nil
}

// names lists a thing's named shadows. A thing that nobody knows has none.
func (s *rest) names(w http.ResponseWriter, r *http.Request) {
	thing := r.PathValue("thing")
	_, refused := s.admit(r, doc.ID{Thing: thing}, doc.OpGet)
	var p page
	if refused == nil {
		p, refused = parsePage(r)
	}
	if refused != nil {
		refuse(w, refused)
		return
	}
	found, err := s.room.o.Store.ShadowNames(r.Context(), thing, p.after, p.size+1)
	if err != nil {
		s.room.o.Log.Error("shadows could not be listed", "thing", thing, "err", err)
		refuse(w, doc.InternalFailure())
		return
	}
	answer(w, http.StatusOK, listed(found, p.size, time.Now()))
}

// listed is a page of one name more than its size when there are more.
func listed(found []string, size int, now time.Time) []byte {
	list := struct {
		Results   []string `json:"results"`
		NextToken string   `json:"nextToken,omitempty"`
		Timestamp int64    `json:"timestamp"`
	}{Results: found, Timestamp: now.Unix()}
	if len(found) > size {
		list.Results = found[:size]
		list.NextToken = base64.RawURLEncoding.EncodeToString([]byte(found[size-1]))
	}
	if list.Results == nil {
		list.Results = []string{}
	}
	body, _ := json.Marshal(list) // names and a number always are JSON
	return body
}
