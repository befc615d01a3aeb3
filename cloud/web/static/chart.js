// The drawing of a chart with uPlot: the band between min and max under the mean, holes with their length, limits as lines.
import { number, length, when } from "./format.js";

/* global uPlot */

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const two = (n) => String(n).padStart(2, "0");

// Chart draws into a box. o: steps, names (of an enumeration), unit, limits ([min, max] or null), zoom(from, to), back().
export class Chart {
  constructor(box, o) {
    this.box = box;
    this.o = o;
    this.view = { from: 0, to: 1, holes: [], columns: [[], [], [], []] };
    this.make();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.make());
    new ResizeObserver(() => this.size()).observe(box);
  }

  get width() { return Math.max(200, this.box.clientWidth); }
  get height() { return this.width < 560 ? 260 : 320; }

  size() {
    if (this.plot.width !== this.width) this.plot.setSize({ width: this.width, height: this.height });
  }

  show(view) {
    this.view = view;
    this.plot.setData(view.columns); // scales follow view
  }

  make() {
    this.plot?.destroy();
    this.tip = document.createElement("div");
    this.tip.id = "tip";
    this.tip.hidden = true;
    this.plot = new uPlot(this.options(), this.view.columns, this.box);
    this.plot.over.append(this.tip);
    this.plot.over.addEventListener("dblclick", () => this.o.back());
  }

  options() {
    const accent = css("--accent"), dim = css("--dim"), none = { show: false };
    const paths = this.o.steps ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const edge = { width: 0, points: none, paths };
    const axis = { stroke: dim, font, grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), size: 4 } };
    return {
      width: this.width, height: this.height, legend: none, padding: [18, 22, 0, 0],
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: { x: { time: true, range: () => [this.view.from / 1000, this.view.to / 1000] }, y: { range: (_, low, high) => this.extent(low, high) } },
      series: [{}, edge, edge, { stroke: accent, width: 1.6, paths, points: { show: (u, i) => this.sparse(u, i), size: 4, stroke: accent, fill: accent } }],
      bands: [{ series: [1, 2], fill: css("--band") }],
      axes: [{ ...axis, values: times, space: 72 }, { ...axis, ...this.levels(), size: (u, values) => room(u, values) }],
      hooks: { drawClear: [(u) => this.drawHoles(u)], draw: [(u) => this.drawLimits(u)], setSelect: [(u) => this.selected(u)], setCursor: [(u) => this.point(u)] },
    };
  }

  // sparse shows single points where there are few, or where a point stands alone.
  sparse(u) { return u.data[0].length < u.bbox.width / devicePixelRatio / 12; }

  extent(low, high) {
    if (this.o.names) {
      const keys = Object.keys(this.o.names).map(Number);
      low = Math.min(low ?? Infinity, ...keys);
      high = Math.max(high ?? -Infinity, ...keys);
      return [low - 0.4, high + 0.4];
    }
    if (low === null || low === undefined) return [0, 1];
    if (low === high) {
      const some = Math.abs(low) * 0.05 || 1;
      return [low - some, high + some];
    }
    const pad = (high - low) * 0.08;
    return [low - pad, high + pad];
  }

  // levels are the y axis: numbers, or the names of states.
  levels() {
    const names = this.o.names;
    if (!names) return { values: (_, splits) => splits.map((v) => number(v)) };
    const keys = Object.keys(names).map(Number).sort((a, b) => a - b);
    return { splits: () => keys, values: (_, splits) => splits.map((k) => clip(names[k] ?? String(k), 14)), filter: undefined };
  }

  drawHoles(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const h of this.view.holes) {
      const x = u.valToPos(h.from / 1000, "x", true), to = u.valToPos(h.to / 1000, "x", true);
      ctx.fillStyle = css(h.bad ? "--bad" : "--gap");
      ctx.fillRect(x, bbox.top, Math.max(1, to - x), bbox.height);
    }
    ctx.restore();
    ctx.save();
    ctx.textAlign = "center";
    ctx.font = font.replace("12px", 12 * devicePixelRatio + "px");
    let free = bbox.left;
    for (const h of this.view.holes) {
      const x = Math.max(bbox.left, u.valToPos(h.from / 1000, "x", true)), to = Math.min(bbox.left + bbox.width, u.valToPos(h.to / 1000, "x", true));
      const text = (h.bad ? "bad " : "no data ") + length(h.to - h.from), half = ctx.measureText(text).width / 2;
      const middle = Math.min(Math.max((x + to) / 2, free + half), bbox.left + bbox.width - half);
      if (to < bbox.left || x > bbox.left + bbox.width || middle - half < free || Math.abs(middle - (x + to) / 2) > half) continue;
      ctx.fillStyle = css(h.bad ? "--high" : "--dim");
      ctx.fillText(text, middle, bbox.top - 5 * devicePixelRatio);
      free = middle + half + 8 * devicePixelRatio;
    }
    ctx.restore();
  }

  drawLimits(u) {
    const { ctx, bbox } = u;
    for (const limit of this.o.limits ?? []) {
      if (limit < u.scales.y.min || limit > u.scales.y.max) continue;
      const y = u.valToPos(limit, "y", true);
      ctx.save();
      ctx.strokeStyle = css("--dim");
      ctx.setLineDash([4 * devicePixelRatio, 5 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.restore();
    }
  }

  selected(u) {
    if (u.select.width < 4) return;
    const at = (px) => Math.round(u.posToVal(px, "x") * 1000);
    const [from, to] = [at(u.select.left), at(u.select.left + u.select.width)];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (to - from >= 1) this.o.zoom(from, to);
  }

  // point tells what is under the cursor.
  point(u) {
    const i = u.cursor.idx, left = u.cursor.left;
    const shown = i !== null && i !== undefined && left >= 0 && u.data[3][i] !== null && u.data[3][i] !== undefined;
    this.tip.hidden = !shown;
    if (!shown) return;
    const [t, max, min, avg] = u.data.map((column) => column[i]);
    const bold = document.createElement("b");
    bold.textContent = (min === max ? this.name(avg) : this.o.names?.[avg] ?? number(avg, 5)) + (this.o.names || !this.o.unit ? "" : " " + this.o.unit);
    const parts = [bold, when(t * 1000)];
    if (min !== max) parts.push(document.createElement("br"), this.name(min) + " to " + this.name(max));
    this.tip.replaceChildren(...parts);
    const x = left + 14 + this.tip.offsetWidth > u.over.clientWidth ? left - 14 - this.tip.offsetWidth : left + 14;
    this.tip.style.left = Math.max(0, x) + "px";
    this.tip.style.top = "8px";
  }

  name(v) { return this.o.names?.[v] ?? number(v); }
}

const clip = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);

// room is the width of the y axis for its longest text.
function room(u, values) {
  const longest = (values ?? []).reduce((a, b) => (b && b.length > a.length ? b : a), "");
  u.ctx.save();
  u.ctx.font = font;
  const width = u.ctx.measureText(longest).width;
  u.ctx.restore();
  return Math.ceil(width) + 16;
}

// times writes the x axis in 24 hours, with the date where a day begins.
function times(_, splits, __, ___, step) {
  let day = "";
  return splits.map((s) => {
    const d = new Date(s * 1000);
    const date = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
    const fresh = date !== day;
    day = date;
    if (step >= 86400) return date;
    const clock = two(d.getHours()) + ":" + two(d.getMinutes()) + (step < 60 ? ":" + two(d.getSeconds()) : "");
    return fresh ? clock + "\n" + date : clock;
  });
}
