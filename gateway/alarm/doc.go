// Package alarm is the gateway's alarm panel: it keeps the life of every alarm that a rule has, through crashes, and its events come first
// in the buffer.
//
// It knows what rules say of their conditions, who acknowledges and hides alarms, and the shelf and the buffer that all of it goes to. It
// does not know what makes a condition true (gateway/rule), nor who is told (the cloud, the page). gateway imports it.
package alarm
