// Package identity knows who is who between a gateway and its cloud: keys, certificate requests, the CA that signs them, the
// names in certificates, enrolment tokens, and the tls.Config of both ends.
//
// It stands on the standard library alone and imports nothing of ours. It knows neither MQTT nor HTTP nor any store: whether a
// certificate that is sound is also welcome (active, revoked) is the cloud's to say.
package identity
