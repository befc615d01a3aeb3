// Package enrol gives gateways their identity: it makes invitations, and exchanges one for a certificate, once.
//
// It knows tokens, requests and the CA, and keeps nothing itself: invitations and certificates are the store's. How often an address may
// ask is limited by whoever serves it (cloud/server). It imports cloud and sync/identity.
package enrol
