package rule

// Tri is what a condition gives. Only True makes a rule fire.
type Tri uint8

// The answers. Unknown is AWS's Undefined: a point without a good value, types that do not fit.
const (
	Unknown Tri = iota
	False
	True
)

func (t Tri) String() string { return [...]string{"undefined", "false", "true"}[t] }

func tri(b bool) Tri {
	if b {
		return True
	}
	return False
}

func (t Tri) value() Value {
	if t == Unknown {
		return Value{}
	}
	return boolean(t == True)
}

func triOf(v Value) Tri {
	v = toBoolean(v)
	if v.kind == Undefined {
		return Unknown
	}
	return tri(v.isTrue())
}

func (t Tri) not() Tri {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}
