// What a chart is made of, without drawing anything: stretches of time with their min, mean and max, and what lies between them.

const heartbeat = 660_000; // ms; a gateway keeps a point that does not move every 10 min, unless it is set otherwise

// grid divides a window into at most n stretches of one length in whole ms, at places that stay when the window moves.
export function grid(from, to, n) {
  const width = Math.max(1, Math.ceil((to - from) / n));
  const start = Math.floor(from / width) * width;
  const number = Math.max(1, Math.ceil((to - start) / width));
  return { start, width, number, end: start + number * width };
}

// Series keeps points in order of time: {t, min, max, avg, n, bad}; n is 0 where there was no number.
export class Series {
  constructor(points, width) {
    this.points = points;
    this.width = width; // ms; 0: each point is a sample
  }

  static ofBuckets(buckets, width) {
    return new Series(buckets.map((b) => ({ t: Date.parse(b.time) + width / 2, min: b.min, max: b.max, avg: b.avg, n: b.count, bad: b.bad })), width);
  }

  static ofSamples(samples) {
    return new Series(samples.map((s) => single(Date.parse(s.time), s)), 0);
  }

  // put adds a sample at the end; false when it belongs further back.
  put(sample) {
    const p = single(sample.at, sample);
    const last = this.points.at(-1);
    if (last && this.width) {
      p.t = Math.floor(p.t / this.width) * this.width + this.width / 2;
      if (p.t === last.t) {
        merge(last, p);
        return true;
      }
    }
    if (last && p.t < last.t) return false;
    this.points.push(p);
    return true;
  }

  // from drops what is before a moment, save the last point before it, from which a line comes in.
  from(t) {
    const i = this.points.findIndex((p) => p.t >= t);
    if (i > 1) this.points.splice(0, i - 1);
  }

  // limit is how far two points may be apart before nothing is known between them. A point that comes at a steady pace may miss four;
  // one that comes when it changes is trusted until its heartbeat.
  limit(scan) {
    const apart = [];
    for (let i = 1; i < this.points.length; i++) apart.push(this.points[i].t - this.points[i - 1].t);
    if (apart.length < 3) return Math.max(heartbeat, 3 * this.width, 5 * scan);
    apart.sort((a, b) => a - b);
    const usual = apart[apart.length >> 1], most = apart[Math.floor(apart.length * 0.95)];
    const steady = most <= 3 * usual;
    return Math.max(5 * usual, 3 * this.width, 5 * scan, steady ? 0 : heartbeat);
  }

  // holes are the stretches without a value: {from, to, bad}, bad when samples came and had none.
  holes(limit, end) {
    const list = [];
    let last = null;
    for (const p of this.points) {
      const open = list.at(-1);
      if (p.n === 0) {
        if (open && open.bad && open.to === Infinity) { /* it goes on */ } else list.push({ from: p.t, to: Infinity, bad: true });
      } else if (open && open.to === Infinity) {
        open.to = p.t;
      }
      if (last !== null && p.t - last.t > limit && last.n > 0) list.splice(p.n === 0 ? -1 : list.length, 0, { from: last.t, to: p.t, bad: false });
      last = p;
    }
    if (list.at(-1)?.to === Infinity) list.at(-1).to = Math.min(end, last.t + limit);
    if (last !== null && end - last.t > limit) list.push({ from: last.n ? last.t : Math.min(end, last.t + limit), to: end, bad: false, open: true });
    return list;
  }

  // columns are what uPlot takes: seconds, max, min, mean, with nulls in the holes.
  columns(holes, held) {
    const [t, max, min, avg] = [[], [], [], []];
    const add = (at, a, b, c) => { t.push(at / 1000); max.push(a); min.push(b); avg.push(c); };
    let next = 0;
    for (const p of this.points) {
      for (; next < holes.length && holes[next].from < p.t; next++) if (!holes[next].bad) add(holes[next].from + 1, null, null, null);
      if (p.n === 0) add(p.t, null, null, null);
      else add(p.t, p.max, p.min, p.avg);
    }
    const last = this.points.at(-1);
    if (held && last?.n) add(Math.max(held, last.t), last.max, last.min, last.avg); // a state holds until it is told otherwise
    return [t, max, min, avg];
  }

  // sum sums up the points between two moments.
  sum(from, to) {
    const all = { min: Infinity, max: -Infinity, avg: 0, n: 0, bad: 0 };
    for (const p of this.points) {
      if (p.t + this.width / 2 < from || p.t > to) continue;
      all.bad += p.bad;
      if (p.n === 0) continue;
      merge(all, { ...p, bad: 0 });
    }
    return all;
  }
}

function merge(into, p) {
  into.bad += p.bad;
  if (p.n === 0) return;
  if (into.n === 0) Object.assign(into, { min: p.min, max: p.max, avg: 0 });
  into.min = Math.min(into.min, p.min);
  into.max = Math.max(into.max, p.max);
  into.avg = (into.avg * into.n + p.avg * p.n) / (into.n + p.n);
  into.n += p.n;
}

function single(t, { value, quality }) {
  const v = value === null || typeof value === "string" || quality.startsWith("bad") ? NaN : Number(value);
  return Number.isFinite(v) ? { t, min: v, max: v, avg: v, n: 1, bad: 0 } : { t, min: null, max: null, avg: null, n: 0, bad: 1 };
}
