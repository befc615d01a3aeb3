// Package policy says what a thing may do on which topic.
//
// It is pure: names and topics in, yes or no out. It knows the topics' forms and nothing of MQTT, certificates or stores, and
// imports nothing of ours. Policy documents (AWS IoT's) will come here; until then there is one rule, the least privilege that works.
package policy
