// Package web makes the pages that people look at: the fleet, a gateway's live values, a point's chart.
//
// It knows the nouns of package cloud and how to show them. Numbers for charts and live values come to the browser by
// /api/v1/, which is not its own; nor are logging in and the session, of which it asks one question. All it serves is
// in the binary. Only cmd imports it, to hand it to cloud/server.
package web
