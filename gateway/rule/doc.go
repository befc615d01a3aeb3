// Package rule is what a gateway does by itself: the configuration's rules, over samples as they are read, whether the cloud is there
// or not.
//
// It knows conditions, delays, SQL, and what to do when; it keeps all that in gateway/state, so that it goes on after a crash where it
// was. It knows neither equipment nor network nor alarms' lives: the gateway gives it Hands. Only gateway imports it.
package rule
