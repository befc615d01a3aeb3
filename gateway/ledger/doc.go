// Package ledger is the gateway's account of what a target will never get: what of its blocks was evicted, damaged or thinned out, by number,
// class and reason, and whether the target has been told.
//
// The buffer forgets a loss once it is here. gateway joins the two and sends what is owed; nothing else imports it.
package ledger
