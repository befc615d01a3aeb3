// Package shadow is the gateway's own shadow service: what is desired of its devices and what they report, here whether the cloud is there or
// not, and one with the cloud's whenever it is.
//
// It knows documents (sync/shadow), which points are reported and which may be set, and AWS IoT's topics. It knows neither
// equipment nor MQTT: values go out as orders, messages by a function. gateway joins it.
package shadow
