package shadow

import "strconv"

// Change is what one side has to be told so that it holds the merged state: an update, or a delete. It is made for one version;
// a side that has moved on answers 409, and the sync starts again from reading both (a crowd of edits costs no lost one).
type Change struct {
	Delete  bool
	Version uint64 // what the side must still be at; 0: the shadow must not exist
	State   Patch
}

// Payload is the change as a request to P/update or P/delete.
func (c Change) Payload(token string) []byte {
	b := append([]byte(`{"version":`), strconv.FormatUint(c.Version, 10)...)
	if !c.Delete {
		b = append(b, `,"state":`...)
		if c.State.Object == nil {
			b = append(b, "null"...)
		} else {
			b = appendValue(b, c.State.Object)
		}
	}
	return append(appendToken(b, token), '}')
}

// Plan is what a sync comes to: at most one message a side, whatever happened meanwhile.
type Plan struct {
	Merged  State
	Exists  bool // whether the shadow exists once the plan is carried out
	ToLocal *Change
	ToCloud *Change

	base         Base
	local, cloud Document
}

// Merge plans how the local and the cloud's document become one, given the base. It changes nothing.
//
// Carry it out so, and a crash at any place loses nothing: if there is a ToCloud, store Sending, send it, wait for accepted;
// then, in one local transaction, apply ToLocal and store Done. On a 409 of either side read both again, with the base as it
// was stored last, and merge again.
func Merge(base Base, local, cloud Document) Plan { return BothWays.Merge(base, local, cloud) }

// Merge is as the function Merge, in this direction. One way, a source that never was deletes nothing.
func (d Direction) Merge(base Base, local, cloud Document) Plan {
	settled := base.settle(cloud)
	p := Plan{base: settled, local: local, cloud: cloud}
	if !base.synced && (d == DeviceToCloud && !local.Exists() || d == CloudToDevice && !cloud.Exists()) {
		return p
	}
	switch d {
	case DeviceToCloud:
		p.Exists, p.Merged = local.Exists(), local.State()
	case CloudToDevice:
		p.Exists, p.Merged = cloud.Exists(), cloud.State()
	default:
		p.Exists, p.Merged = join(settled, local, cloud)
	}
	if d != DeviceToCloud {
		p.ToLocal = change(local, p.Merged, p.Exists)
	}
	if d != CloudToDevice {
		p.ToCloud = change(cloud, p.Merged, p.Exists)
	}
	return p
}

func join(base Base, local, cloud Document) (exists bool, merged State) {
	switch {
	case local.Exists() && cloud.Exists():
		return true, mergeStates(base, local.State(), cloud.State())
	case local.Exists() && (!base.synced || updated(local, base.LocalVersion, base.Local)):
		return true, local.State()
	case cloud.Exists() && (!base.synced || updated(cloud, base.CloudVersion, base.Cloud)):
		return true, cloud.State()
	}
	return false, State{}
}

// updated says whether a document is another than the one last synced. The state is compared too, as a version can come again
// (a shadow made anew after its version was forgotten).
func updated(d Document, version uint64, state State) bool {
	return d.Version() != version || !d.State().Equal(state)
}

func change(d Document, merged State, exists bool) *Change {
	if !exists {
		if !d.Exists() {
			return nil
		}
		return &Change{Delete: true, Version: d.Version()}
	}
	state := Object{}
	if p := diff(d.State().Desired, merged.Desired); len(p) > 0 {
		state["desired"] = p
	}
	if p := diff(d.State().Reported, merged.Reported); len(p) > 0 {
		state["reported"] = p
	}
	if d.Exists() && len(state) == 0 {
		return nil
	}
	c := &Change{State: Patch{Sent: true, Object: state}}
	if d.Exists() {
		c.Version = d.Version()
	}
	return c
}

// Sending is the base to store before ToCloud is sent.
func (p Plan) Sending() Base {
	b := p.base
	if p.ToCloud != nil && !p.ToCloud.Delete {
		b.Sent = &Sent{Local: p.local.State(), Before: p.cloud.State(), Merged: p.Merged, Cloud: p.cloud.Version(), Clock: p.cloud.clock()}
	}
	return b
}

// Done is the base to store once both changes were accepted, with the versions that resulted: of a side that had no change,
// 0 stands for the version it had.
func (p Plan) Done(localVersion, cloudVersion uint64) Base {
	if !p.Exists {
		return Base{}
	}
	b := Base{Local: p.Merged, Cloud: p.Merged, LocalVersion: localVersion, CloudVersion: cloudVersion, synced: true}
	if localVersion == 0 {
		b.LocalVersion = p.local.Version()
	}
	if cloudVersion == 0 {
		b.CloudVersion = p.cloud.Version()
	}
	return b
}
