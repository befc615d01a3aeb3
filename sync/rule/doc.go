// Package rule is the SQL of rules, one language for gateway and cloud: AWS IoT SQL, and windows as eKuiper writes them.
//
// It parses statements, conditions and templates, evaluates them over messages (JSON) and samples (typed, without JSON), and holds
// the state of windows. It is pure: the clock is passed in, there are no goroutines, no files and no sockets. It knows neither where
// messages come from nor what is done with rows. It imports sync/telemetry; gateway and cloud may import it.
package rule
