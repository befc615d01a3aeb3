package shadow

// side is who wins when both changed one field in different ways: the device knows what is, the cloud what is wanted.
type side bool

const (
	local side = true
	cloud side = false
)

// node is a value, or the lack of one.
type node struct {
	value any
	there bool
}

func (n node) equal(o node) bool {
	return n.there == o.there && (!n.there || Equal(n.value, o.value))
}

// below is the node under a key; of anything but an object, nothing.
func (n node) below(key string) node {
	o, _ := n.value.(Object)
	v, ok := o[key]
	return node{v, ok}
}

// ancestors are what each side started from. They are the same, unless a change of ours reached the cloud and we went down
// before we stored that it did: then the cloud started from what we sent.
type ancestors struct{ local, cloud node }

func (a ancestors) below(key string) ancestors {
	return ancestors{local: a.local.below(key), cloud: a.cloud.below(key)}
}

// merge3 joins two sides: what one side alone changed is kept, object by object; where both changed a field, winner does.
func merge3(from ancestors, l, c node, winner side) node {
	lo, lok := l.value.(Object)
	co, cok := c.value.(Object)
	if lok && cok {
		return node{mergeObjects(from, lo, co, winner), true}
	}
	if l.equal(c) {
		return c
	}
	localChanged, cloudChanged := !l.equal(from.local), !c.equal(from.cloud)
	if localChanged == cloudChanged {
		if winner == local {
			return l
		}
		return c
	}
	if localChanged {
		return l
	}
	return c
}

func mergeObjects(from ancestors, l, c Object, winner side) Object {
	out := Object{}
	for _, keys := range []Object{l, c} {
		for k := range keys {
			if _, done := out[k]; done {
				continue
			}
			n := merge3(from.below(k), node{l, true}.below(k), node{c, true}.below(k), winner)
			if n.there {
				out[k] = n.value
			}
		}
	}
	return out
}

// mergeStates merges both sections. A section that is not there is an empty one.
func mergeStates(b Base, l, c State) State {
	desired := ancestors{node{b.Local.Desired, true}, node{b.Cloud.Desired, true}}
	reported := ancestors{node{b.Local.Reported, true}, node{b.Cloud.Reported, true}}
	return State{
		Desired:  mergeSection(desired, l.Desired, c.Desired, cloud),
		Reported: mergeSection(reported, l.Reported, c.Reported, local),
	}
}

func mergeSection(from ancestors, l, c Object, winner side) Object {
	out := mergeObjects(from, l, c, winner)
	if len(out) == 0 {
		return nil
	}
	return out
}

// diff is the patch that makes to of from: null where a key goes. Empty when they are equal.
func diff(from, to Object) Object {
	patch := Object{}
	for k := range from {
		if _, stays := to[k]; !stays {
			patch[k] = nil
		}
	}
	for k, t := range to {
		f, there := from[k]
		fo, fok := f.(Object)
		to, tok := t.(Object)
		if fok && tok {
			if below := diff(fo, to); len(below) > 0 {
				patch[k] = below
			}
			continue
		}
		if !there || !Equal(f, t) {
			patch[k] = t
		}
	}
	return patch
}
