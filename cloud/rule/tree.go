package rule

import "strings"

// tree finds topic filters by topic (MQTT 5, 4.7): a/# takes a too, and no wildcard in front takes a $topic. The zero tree is empty.
type tree[T any] struct{ root branch[T] }

type branch[T any] struct {
	below map[string]*branch[T] // by level; + is a filter's wildcard: no topic has it
	here  []T                   // of filters that end here
	all   []T                   // of filters that go on with #
}

func (t *tree[T]) add(filter string, v T) {
	b := &t.root
	for level := range strings.SplitSeq(filter, "/") {
		if level == "#" {
			b.all = append(b.all, v)
			return
		}
		if b.below == nil {
			b.below = map[string]*branch[T]{}
		}
		next := b.below[level]
		if next == nil {
			next = &branch[T]{}
			b.below[level] = next
		}
		b = next
	}
	b.here = append(b.here, v)
}

// match calls take for every filter that takes the topic.
func (t *tree[T]) match(topic string, take func(T)) {
	t.root.match(topic, true, !strings.HasPrefix(topic, "$"), take)
}

func (b *branch[T]) match(topic string, goesOn, wild bool, take func(T)) {
	if wild {
		each(b.all, take)
	}
	if !goesOn {
		each(b.here, take)
		return
	}
	level, rest, more := strings.Cut(topic, "/")
	if next := b.below[level]; next != nil {
		next.match(rest, more, true, take)
	}
	if next := b.below["+"]; next != nil && wild {
		next.match(rest, more, true, take)
	}
}

func each[T any](list []T, take func(T)) {
	for _, v := range list {
		take(v)
	}
}

// has reports whether a filter takes the topic.
func (t *tree[T]) has(topic string) (found bool) {
	t.match(topic, func(T) { found = true })
	return found
}

// beyond reports whether a filter may take a topic that goes on behind these levels. They begin with no $.
func (t *tree[T]) beyond(levels ...string) bool { return t.root.beyond(levels) }

func (b *branch[T]) beyond(levels []string) bool {
	switch {
	case len(b.all) > 0:
		return true
	case len(levels) == 0:
		return len(b.below) > 0
	}
	for _, level := range []string{levels[0], "+"} {
		if next := b.below[level]; next != nil && next.beyond(levels[1:]) {
			return true
		}
	}
	return false
}

// exactly lists what two levels behind these filters take, when all of them name both: device and point. named is false when one has a wildcard.
func (t *tree[T]) exactly(levels ...string) (pairs [][2]string, named bool) {
	b := &t.root
	for _, level := range levels {
		if b.wild() {
			return nil, false
		}
		if b = b.below[level]; b == nil {
			return nil, true
		}
	}
	if b.wild() {
		return nil, false
	}
	for device, d := range b.below {
		if d.wild() {
			return nil, false
		}
		for point, p := range d.below {
			if len(p.here)+len(p.all) > 0 {
				pairs = append(pairs, [2]string{device, point})
			}
		}
	}
	return pairs, true
}

func (b *branch[T]) wild() bool { return len(b.all) > 0 || b.below["+"] != nil }
