package shadow

import (
	"fmt"
	"strconv"
	"time"
)

// Error is a refusal with AWS's code and words. Its zero value means nothing.
type Error struct {
	Code    int // of HTTP
	Message string
	Token   string // the request's client token, where it could be read
}

func (e *Error) Error() string { return "shadow: " + strconv.Itoa(e.Code) + " " + e.Message }

// JSON is the error as it goes out on /rejected.
func (e *Error) JSON(now time.Time) []byte {
	b := append([]byte(`{"code":`), strconv.Itoa(e.Code)...)
	b = append(b, `,"message":`...)
	b = appendString(b, e.Message)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	return append(appendToken(b, e.Token), '}')
}

// Type is the error's name in AWS's REST API (x-amzn-errortype).
func (e *Error) Type() string {
	switch e.Code {
	case 400:
		return "InvalidRequestException"
	case 401, 403:
		return "UnauthorizedException"
	case 404:
		return "ResourceNotFoundException"
	case 409:
		return "ConflictException"
	case 413:
		return "RequestEntityTooLargeException"
	case 415:
		return "UnsupportedDocumentEncodingException"
	case 429:
		return "ThrottlingException"
	}
	return "InternalFailureException"
}

// The refusals that this room does not come to itself, for those who authorise, throttle and store.
func Unauthorized() *Error    { return &Error{Code: 401, Message: "Unauthorized"} }
func Forbidden() *Error       { return &Error{Code: 403, Message: "Forbidden"} }
func ThingNotFound() *Error   { return &Error{Code: 404, Message: "Thing not found"} }
func TooManyRequests() *Error { return &Error{Code: 429, Message: "Too many requests"} }
func InternalFailure() *Error { return &Error{Code: 500, Message: "Internal service failure"} }

func invalid(message string) *Error { return &Error{Code: 400, Message: message} }

func tooDeep(limit int) *Error {
	return invalid(fmt.Sprintf("JSON contains too many levels of nesting; maximum is %d", limit))
}

// invalidNode names the node, cut short: it may be as long as the payload.
func invalidNode(name string) *Error {
	return invalid(fmt.Sprintf("State contains an invalid node: '%.64s'", name))
}

func noShadow(id ID) *Error {
	return &Error{Code: 404, Message: fmt.Sprintf("No shadow exists with name: '%s'", id.label())}
}

func conflict() *Error { return &Error{Code: 409, Message: "Version conflict"} }
func tooLarge() *Error {
	return &Error{Code: 413, Message: "The payload exceeds the maximum size allowed"}
}
func notUTF8() *Error {
	return &Error{Code: 415, Message: "Unsupported documented encoding; supported encoding is UTF-8"}
}
