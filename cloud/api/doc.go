// Package api is the cloud over HTTP: JSON for programs, server-sent events for those who watch, and the session that a browser logs in to.
//
// It knows the stores through cloud's interfaces, and what else it needs (live events, rates, certificates) as functions of its user.
// It knows neither MQTT nor pages: cloud/web shows what is here to people, and cloud/server joins the two.
package api
