// Package shadow serves the shadows of things in the cloud: AWS IoT's topics and its REST API over one store.
//
// It knows who asked, how requests of one shadow follow one another, and what is published when. What a document, a version or a delta is
// knows sync/shadow; topics reach subscribers through a function that it is given. It imports cloud's nouns and sync/, and no other room;
// cloud/server joins it with the broker.
package shadow
