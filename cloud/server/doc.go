// Package server joins the rooms of the cloud into one process: it opens the store, the MQTT and HTTPS listeners, and hands what comes
// in at one room to the next.
//
// It alone imports the rooms; they see the nouns of package cloud and, through functions made here, each other. It holds no rules of its
// own: what is allowed is policy's to say, what is stored ingest's, what is answered api's.
package server
