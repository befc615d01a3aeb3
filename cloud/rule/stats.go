package rule

import (
	"sync"
	"sync/atomic"
)

// Counts is what a rule has done since the start, by the names of AWS IoT's metrics.
type Counts struct {
	TopicMatch           uint64 `json:"topicMatch"`                     // messages and samples that FROM takes
	RulesExecuted        uint64 `json:"rulesExecuted"`                  // rows
	ParseError           uint64 `json:"parseError,omitempty"`           // payloads that are no JSON
	EvaluationError      uint64 `json:"evaluationError,omitempty"`      // messages that the statement could not be evaluated for
	RuleMessageThrottled uint64 `json:"ruleMessageThrottled,omitempty"` // passed on too often, or too many waiting
	Late                 uint64 `json:"late,omitempty"`                 // events that came after their window
	Retries              uint64 `json:"retries,omitempty"`              // executions that are tried again
	Success              Kinds  `json:"success,omitempty"`              // executions, by kind of action
	Failure              Kinds  `json:"failure,omitempty"`              //
	ErrorActionSuccess   Kinds  `json:"errorActionSuccess,omitempty"`   //
	ErrorActionFailure   Kinds  `json:"errorActionFailure,omitempty"`   //
}

// Kinds counts by kind of action.
type Kinds map[string]uint64

func (k *Kinds) add(o Kinds) {
	for kind, n := range o {
		k.one(kind, n)
	}
}

func (k *Kinds) one(kind string, n uint64) {
	if *k == nil {
		*k = Kinds{}
	}
	(*k)[kind] += n
}

// Add adds o's counts.
func (c *Counts) Add(o Counts) {
	c.TopicMatch += o.TopicMatch
	c.RulesExecuted += o.RulesExecuted
	c.ParseError += o.ParseError
	c.EvaluationError += o.EvaluationError
	c.RuleMessageThrottled += o.RuleMessageThrottled
	c.Late += o.Late
	c.Retries += o.Retries
	c.Success.add(o.Success)
	c.Failure.add(o.Failure)
	c.ErrorActionSuccess.add(o.ErrorActionSuccess)
	c.ErrorActionFailure.add(o.ErrorActionFailure)
}

// settled counts an execution that is over.
func (c *Counts) settled(kind string, action int, failed bool) {
	switch {
	case action < 0 && failed:
		c.ErrorActionFailure.one(kind, 1)
	case action < 0:
		c.ErrorActionSuccess.one(kind, 1)
	case failed:
		c.Failure.one(kind, 1)
	default:
		c.Success.one(kind, 1)
	}
}

// tally counts of all rules.
type tally struct {
	missing atomic.Uint64 // messages to rules that are not there

	mu sync.Mutex
	of map[string]*Counts
}

func (t *tally) add(rule string, c Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[rule] == nil {
		t.of[rule] = &Counts{}
	}
	t.of[rule].Add(c)
}

func (t *tally) forget(rule string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, rule)
}

// Stats are the counts since the start, by rule.
func (e *Engine) Stats() map[string]Counts {
	e.tally.mu.Lock()
	defer e.tally.mu.Unlock()
	all := map[string]Counts{}
	for name, c := range e.tally.of {
		var copied Counts
		copied.Add(*c)
		all[name] = copied
	}
	return all
}

// RuleNotFound is how many messages were sent to rules that are not there, or are off.
func (e *Engine) RuleNotFound() uint64 { return e.tally.missing.Load() }

// Waiting is how many executions wait, by queue: the rule's name, a slash, and the place of the action or "error".
func (e *Engine) Waiting() map[string]int {
	e.pumps.mu.Lock()
	defer e.pumps.mu.Unlock()
	queues := map[string]int{}
	for queue, n := range e.pumps.waiting {
		if n > 0 {
			queues[queue] = n
		}
	}
	return queues
}
