package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Commands travel as AWS IoT's do ("Remote commands", MQTT topics and payloads): the cloud publishes a request for each execution, the thing
// answers with its status. The execution's id is what makes a command that comes twice happen once.
const commands = "$aws/commands/things/"

// CommandRequests is the filter of all commands to a thing.
func CommandRequests(thing string) string { return commands + thing + "/executions/+/request/json" }

// CommandRequestTopic is where the cloud asks for one execution.
func CommandRequestTopic(thing, execution string) string {
	return commands + thing + "/executions/" + execution + "/request/json"
}

// CommandResponseTopic is where the thing answers.
func CommandResponseTopic(thing, execution string) string {
	return commands + thing + "/executions/" + execution + "/response/json"
}

// ParseCommandTopic takes the topic of a request or a response apart; ok is false for every other topic.
func ParseCommandTopic(topic string) (thing, execution string, response, ok bool) {
	rest, under := strings.CutPrefix(topic, commands)
	parts := strings.Split(rest, "/")
	if !under || len(parts) != 5 || parts[1] != "executions" || parts[4] != ContentOfCommand || !ValidName(parts[0]) || !ValidExecution(parts[2]) {
		return "", "", false, false
	}
	if parts[3] != "request" && parts[3] != "response" {
		return "", "", false, false
	}
	return parts[0], parts[2], parts[3] == "response", true
}

// ContentOfCommand is the payload format that a command's topics name.
const ContentOfCommand = "json"

// ValidExecution reports whether a text may name an execution: 1 to 64 of a-z A-Z 0-9 _ -
func ValidExecution(id string) bool {
	return len(id) <= 64 && ValidName(id) && !strings.Contains(id, ":")
}

// CommandRequest asks a gateway to write a value to a point, once.
type CommandRequest struct {
	Point   string          `json:"point"` // device.point
	Value   json.RawMessage `json:"value"` // a number, a boolean or a string
	Who     string          `json:"who"`   // who asked, for the audit log
	Issued  time.Time       `json:"issued"`
	Expires time.Time       `json:"expires"` // not written after this
}

// CommandStatus is where an execution is, in AWS's words.
type CommandStatus string

// The statuses. CommandCreated and CommandTimedOut are the cloud's; the thing says the others.
const (
	CommandCreated    CommandStatus = "CREATED"
	CommandInProgress CommandStatus = "IN_PROGRESS"
	CommandSucceeded  CommandStatus = "SUCCEEDED"
	CommandFailed     CommandStatus = "FAILED"   // it was tried, and it is not certain or certainly not what was asked
	CommandRejected   CommandStatus = "REJECTED" // it was not tried
	CommandTimedOut   CommandStatus = "TIMED_OUT"
)

// Final reports whether nothing comes after the status.
func (s CommandStatus) Final() bool {
	switch s {
	case CommandSucceeded, CommandFailed, CommandRejected, CommandTimedOut:
		return true
	}
	return false
}

// CommandReason says why, in a code for programs and a sentence for people.
type CommandReason struct {
	Code        string `json:"reasonCode"`
	Description string `json:"reasonDescription"`
}

// CommandResponse is what a thing says of an execution.
type CommandResponse struct {
	Status CommandStatus              `json:"status"`
	Reason *CommandReason             `json:"statusReason,omitempty"`
	Result map[string]json.RawMessage `json:"result,omitempty"` // "value": what the point reads now; "time"
}

// maxCommand is how many bytes a request or a response may have.
const maxCommand = 16 << 10

// ErrCommand is what every error about a command's payload wraps.
var ErrCommand = errors.New("no command that is understood")

// ParseCommandRequest reads a request.
func ParseCommandRequest(payload []byte) (r CommandRequest, err error) {
	if err = unmarshalCommand(payload, &r); err == nil && (r.Point == "" || len(r.Value) == 0) {
		err = fmt.Errorf("%w: point and value are missing", ErrCommand)
	}
	return r, err
}

// ParseCommandResponse reads a response.
func ParseCommandResponse(payload []byte) (r CommandResponse, err error) {
	if err = unmarshalCommand(payload, &r); err == nil && !r.Status.Final() && r.Status != CommandInProgress {
		err = fmt.Errorf("%w: the status %q; it is one of IN_PROGRESS, SUCCEEDED, FAILED, REJECTED and TIMED_OUT", ErrCommand, r.Status)
	}
	return r, err
}

func unmarshalCommand(payload []byte, into any) error {
	if len(payload) > maxCommand {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrCommand, len(payload), maxCommand)
	}
	if err := json.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	return nil
}
