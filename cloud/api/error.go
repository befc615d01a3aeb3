package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
)

// Error is an answer that is no success, as JSON: {"message": what to do, "code": for programs}.
type Error struct {
	status  int
	Message string `json:"message"`
	Code    string `json:"code"`
}

func (e *Error) Error() string { return e.Message }

func (e *Error) write(w http.ResponseWriter) { reply(w, e.status, e) }

func invalid(format string, args ...any) error {
	return &Error{http.StatusBadRequest, fmt.Sprintf(format, args...), "bad_request"}
}

func missing(format string, args ...any) error {
	return &Error{http.StatusNotFound, fmt.Sprintf(format, args...), "not_found"}
}

// failure finds the answer that an error deserves. What nobody expected is logged, and not told to the asker.
func failure(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, cloud.ErrNotFound):
		return &Error{http.StatusNotFound, err.Error() + "; GET /api/v1/things lists what there is", "not_found"}
	case errors.Is(err, cloud.ErrExists):
		return &Error{http.StatusConflict, err.Error(), "exists"}
	case errors.Is(err, cloud.ErrInvalid):
		return &Error{http.StatusBadRequest, err.Error(), "bad_request"}
	case errors.Is(err, cloud.ErrConflict):
		return &Error{http.StatusConflict, err.Error(), "conflict"}
	case errors.Is(err, cloud.ErrTooMany):
		return &Error{http.StatusTooManyRequests, err.Error() + "; try again when some are done", "too_many"}
	}
	return &Error{http.StatusInternalServerError, "the server met an error, which is in its log: try again", "internal"}
}

// Fail answers with an error in the API's form; for the server's own handlers.
func Fail(w http.ResponseWriter, status int, code, message string) {
	(&Error{status, message, code}).write(w)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker is gone: nothing is left to do for it
}
