package rule

import (
	"math"
	"slices"
)

// aggregate is what a column of a window computes.
type aggregate uint8

const (
	latest aggregate = iota // what stands outside aggregates: as of the newest event, Undefined or not
	avg
	sum
	least
	most
	count
	deviation
	first
	last
	percentile
	windowStart
	windowEnd
)

var aggregateOf = map[string]aggregate{"avg": avg, "sum": sum, "min": least, "max": most, "count": count, "stddev": deviation, "first": first,
	"last": last, "percentile": percentile, "window_start": windowStart, "window_end": windowEnd}

// columnSpec is an aggregate in the statement, or an expression outside aggregates.
type columnSpec struct {
	node node
	fn   aggregate
	arg  node // nil: nothing to look at
	p    float64
}

// columns finds them in the SELECT list and in HAVING. What holds no aggregate is a column of its own, whole.
func (s *Statement) columns() []columnSpec {
	if s.window.kind == noWindow {
		return nil
	}
	var all []columnSpec
	var find func(n node)
	find = func(n node) {
		_, constant := n.(*literal)
		switch {
		case n == nil || constant:
		case isAggregate(n):
			all = append(all, aggregateSpec(n.(*call)))
		case contains(n, isAggregate):
			for _, c := range children(n) {
				find(c)
			}
		default:
			all = append(all, columnSpec{node: n, arg: n})
		}
	}
	for _, it := range s.body.items {
		find(it.expr)
	}
	find(s.having)
	return all
}

func aggregateSpec(n *call) columnSpec {
	spec := columnSpec{node: n, fn: aggregateOf[n.fn]}
	if len(n.args) > 0 {
		spec.arg = n.args[0]
	}
	if len(n.args) > 1 {
		spec.p = n.args[1].(*literal).v.float()
	}
	if _, all := spec.arg.(*star); all && spec.fn == count {
		spec.arg = &literal{n.at, boolean(true)} // count(*) counts every event
	}
	return spec
}

func (c *compiler) columnArgument(spec columnSpec) eval {
	if spec.arg == nil {
		return func(*env) Value { return Value{} }
	}
	return c.eval(spec.arg)
}

// column is the state of one aggregate. In a window that slides, each event has a place in nums (NaN where it gave no number), or
// in vals for first; elsewhere only percentile keeps events. Numbers are in double precision.
type column struct {
	n        int64 // events that gave something
	sum, c   float64
	mean, m2 float64
	extreme  float64
	v        Value
	nums     ring[float64]
	vals     ring[Value]
	best     ring[ranked] // least and most of a sliding window: those that can still become it
	seq      int64        // of the next event
	evicted  int          // since the sums were last made anew
}

type ranked struct {
	f   float64
	seq int64
}

func (c *column) add(fn aggregate, v Value, slides bool) {
	if v.form == double && fn >= avg && fn <= deviation && fn != count { // what most are
		c.addNumber(fn, true, math.Float64frombits(v.bits), slides)
		return
	}
	switch fn {
	case latest:
		c.v = v
	case last:
		if v.kind != Undefined {
			c.v = v
		}
		if slides {
			c.vals.push(v)
		}
	case first:
		if c.n == 0 && v.kind != Undefined {
			c.v, c.n = v, 1
		}
		if slides {
			c.vals.push(v)
		}
	case count:
		c.addNumber(fn, v.kind != Undefined && v.kind != Null, 1, slides)
	case windowStart, windowEnd:
	default:
		n, ok := toNumber(v)
		f := 0.0
		if ok {
			f = n.float()
		}
		c.addNumber(fn, ok, f, slides)
	}
}

func (c *column) addNumber(fn aggregate, ok bool, f float64, slides bool) {
	switch {
	case !ok && slides:
		c.nums.push(math.NaN())
	case slides || fn == percentile && ok:
		c.nums.push(f)
	}
	if ok {
		c.include(fn, f, slides)
	}
	c.seq++
}

func (c *column) include(fn aggregate, f float64, slides bool) {
	c.n++
	switch fn {
	case avg, sum:
		c.addSum(f)
	case deviation:
		delta := f - c.mean // Welford
		c.mean += delta / float64(c.n)
		c.m2 += delta * (f - c.mean)
	case least, most:
		if fn == most {
			f = -f
		}
		if slides {
			for c.best.n > 0 && c.best.at(c.best.n-1).f >= f {
				c.best.popLast()
			}
			c.best.push(ranked{f, c.seq})
			return
		}
		if c.n == 1 || f < c.extreme {
			c.extreme = f
		}
	}
}

// addSum is Neumaier's sum: what is lost in one addition is kept beside it.
func (c *column) addSum(f float64) {
	t := c.sum + f
	if math.Abs(c.sum) >= math.Abs(f) {
		c.c += c.sum - t + f
	} else {
		c.c += f - t + c.sum
	}
	c.sum = t
}

// evict takes the oldest event out of a sliding window.
func (c *column) evict(fn aggregate) {
	switch fn {
	case latest, windowStart, windowEnd:
		return
	case first, last:
		c.vals.pop()
		return
	}
	oldest := c.seq - int64(c.nums.n)
	f := c.nums.pop()
	if f != f {
		return
	}
	c.n--
	switch fn {
	case avg, sum:
		c.addSum(-f)
	case deviation:
		if c.n > 0 {
			before := c.mean
			c.mean -= (f - before) / float64(c.n)
			c.m2 -= (f - before) * (f - c.mean)
		}
	case least, most:
		if c.best.at(0).seq == oldest {
			c.best.pop()
		}
	default:
		return
	}
	if c.evicted++; c.evicted > c.nums.n {
		c.renew(fn)
	}
}

// renew makes the sums anew from the events, once for as many evictions as there are events, so that errors never add up.
func (c *column) renew(fn aggregate) {
	if c.evicted = 0; fn == least || fn == most {
		return
	}
	c.n, c.sum, c.c, c.mean, c.m2 = 0, 0, 0, 0, 0
	for i := range c.nums.n {
		if f := c.nums.at(i); f == f {
			c.include(fn, f, true)
		}
	}
}

func (c *column) result(spec *columnSpec, e *env, slides bool) Value {
	switch spec.fn {
	case latest:
		return c.v
	case first, last:
		if slides {
			return c.end(spec.fn)
		}
		return c.v
	case count:
		return whole(c.n)
	case windowStart:
		return whole(e.start / 1e6)
	case windowEnd:
		return whole(e.end / 1e6)
	}
	if c.n == 0 {
		return Value{}
	}
	switch spec.fn {
	case avg:
		return float((c.sum + c.c) / float64(c.n))
	case sum:
		return float(c.sum + c.c)
	case deviation:
		return float(math.Sqrt(max(0, c.m2) / float64(c.n)))
	case percentile:
		return c.percentile(spec.p)
	}
	f := c.extreme
	if slides {
		f = c.best.at(0).f
	}
	if spec.fn == most {
		f = -f
	}
	return float(f)
}

// end is the first or the last value that is one.
func (c *column) end(fn aggregate) Value {
	for i := range c.vals.n {
		if fn == last {
			i = c.vals.n - 1 - i
		}
		if v := c.vals.at(i); v.kind != Undefined {
			return v
		}
	}
	return Value{}
}

// percentile interpolates between the two values next to its rank, as SQL's percentile_cont.
func (c *column) percentile(p float64) Value {
	sorted := make([]float64, 0, c.nums.n)
	for i := range c.nums.n {
		if f := c.nums.at(i); f == f {
			sorted = append(sorted, f)
		}
	}
	slices.Sort(sorted)
	rank := p * float64(len(sorted)-1)
	low, high := sorted[int(rank)], sorted[int(math.Ceil(rank))]
	return float(low + (rank-math.Floor(rank))*(high-low))
}
