package shadow

import "fmt"

// Base is what an edge remembers of the last time its copy and the cloud's were one. It is stored beside the local documents.
// The zero Base: never yet.
type Base struct {
	Local, Cloud State // what each side's changes are counted from; the same, but between a crash and the next sync
	LocalVersion uint64
	CloudVersion uint64
	Sent         *Sent // a change for the cloud whose answer was not stored; nil when there is none
	synced       bool
}

// Sent is what Plan.Sending adds to a base. After a crash it tells what the cloud changed from what we changed there.
type Sent struct {
	Local  State  // the local document when the plan was made
	Before State  // the cloud's, then
	Merged State  // what the cloud holds if our change got there
	Cloud  uint64 // the cloud's version that our change was made for
	Clock  int64  // seconds since 1970 by the cloud's clock: the latest write that it had seen then
}

// Synced says whether the two were ever one.
func (b Base) Synced() bool { return b.synced }

// settle finds out, from what the cloud holds now, whether the change that was sent got there, and counts each side's changes
// from there on. Our change was made for one version, so it became the next one, or nothing.
func (b Base) settle(c Document) Base {
	sent := b.Sent
	b.Sent = nil
	if sent == nil || c.Version() == sent.Cloud {
		return b
	}
	if c.State().Equal(sent.Merged) || c.Version() != sent.Cloud+1 && sent.arrived(c) {
		b.Local, b.Cloud = sent.Local, sent.Merged
	}
	return b
}

// Encode is the base as it is stored.
func (b Base) Encode() []byte {
	out := fmt.Appendf(nil, `{"format":%d,"synced":%t,"local_version":%d,"cloud_version":%d,"local":`, formatVersion, b.synced, b.LocalVersion, b.CloudVersion)
	out = appendSections(out, b.Local)
	if !b.Cloud.Equal(b.Local) {
		out = appendSections(append(out, `,"cloud":`...), b.Cloud)
	}
	if b.Sent != nil {
		out = fmt.Appendf(out, `,"sent":{"cloud_version":%d,"clock":%d,"local":`, b.Sent.Cloud, b.Sent.Clock)
		out = appendSections(out, b.Sent.Local)
		out = appendSections(append(out, `,"before":`...), b.Sent.Before)
		out = appendSections(append(out, `,"merged":`...), b.Sent.Merged)
		out = append(out, '}')
	}
	return append(out, '}')
}

// DecodeBase reads what Encode wrote. Without a base the next sync is a first one, which loses nothing but deletions.
func DecodeBase(stored []byte) (Base, error) {
	root, err := decodeStored(stored)
	if err != nil {
		return Base{}, fmt.Errorf("read stored base of a shadow: %w", err)
	}
	r := reader{root: root}
	b := Base{LocalVersion: r.count("local_version"), CloudVersion: r.count("cloud_version"), Local: r.state("local")}
	b.Cloud = b.Local
	if _, differs := root["cloud"]; differs {
		b.Cloud = r.state("cloud")
	}
	var ok bool
	if b.synced, ok = root["synced"].(bool); !ok {
		r.fail("synced is neither true nor false")
	}
	if _, there := root["sent"]; there {
		s := reader{root: r.object("sent"), err: r.err}
		b.Sent = &Sent{Local: s.state("local"), Before: s.state("before"), Merged: s.state("merged"), Cloud: s.count("cloud_version"), Clock: int64(s.count("clock"))}
		r.err = s.err
	}
	if err := r.done("read stored base of a shadow"); err != nil {
		return Base{}, err
	}
	return b, nil
}
