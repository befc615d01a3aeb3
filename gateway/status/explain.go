package status

import (
	"errors"
	"net/http"

	"github.com/penstock-edge/penstock/adapters"
)

// Explanation is how a device is read, and what was learned of it.
type Explanation struct {
	Device     string    `json:"device"`
	Connection string    `json:"connection"`
	Kind       string    `json:"kind"`
	Learned    bool      `json:"learned"` // false: this is the plan before anything is known of the device
	Readings   []Reading `json:"readings"`
	Facts      []string  `json:"facts"`
}

// Reading is what falls due together.
type Reading struct {
	Every    string             `json:"every"`
	Requests []adapters.Request `json:"requests"`
	Missing  []string           `json:"missing"` // points that the device is known not to have
}

// Explainer is the gateway's plans as this room sees them.
type Explainer interface {
	// Explain wraps ErrNoPoint when there is no such device, or no plan by which it is read.
	Explain(device string) (Explanation, error)
}

func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	e, err := s.source.Explain(r.PathValue("device"))
	switch {
	case errors.Is(err, ErrNoPoint):
		s.refuse(w, http.StatusNotFound, err)
	case err != nil:
		s.refuse(w, http.StatusInternalServerError, err)
	default:
		s.reply(w, e)
	}
}
