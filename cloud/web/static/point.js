// The page of a point: its live value, and a chart over the stretch of time that is chosen, whose end moves when that is now.
import { watch } from "./live.js";
import { renew, names as namesOf, unitOf } from "./cell.js";
import { now } from "./clock.js";
import { number, parse, count, length, when } from "./format.js";
import { Series, grid } from "./series.js";
import { Chart } from "./chart.js";

const box = document.getElementById("point");
const d = box.dataset;
const names = namesOf(box), unit = unitOf(box);
const chartBox = document.getElementById("chart"), none = document.getElementById("none"), sum = document.getElementById("sum");
const steps = d.draw === "steps", scan = Number(d.scan);
const states = names ?? (steps ? { 0: "false", 1: "true" } : null);
const most = 5000; // samples of a state that are drawn one by one
const words = { live: "the last 2 minutes", "15m": "the last 15 minutes", "6h": "the last 6 hours", "7d": "the last 7 days", "1y": "the last year" };

// shown is the stretch of time: its key, its length when it ends now, or from and to.
const shown = { key: d.range, from: Number(d.from), to: Number(d.to), length: 0 };
shown.length = shown.key === "custom" ? 0 : shown.to - shown.from;

let series = null, chart = null, drawn = 0, loading = null, due = 0, again = 0;

const edges = () => (shown.length ? [now() - shown.length, now()] : [shown.from, shown.to]);

// load asks for the stretch's data. A later call overtakes an earlier one.
async function load() {
  loading?.abort();
  const mine = (loading = new AbortController());
  const [from, to] = edges();
  drawn = chartBox.clientWidth;
  const g = grid(from, to, Math.min(600, Math.max(100, chartBox.clientWidth >> 1)));
  chartBox.classList.add("loading");
  try {
    const fresh = (steps && (await samples(g, mine.signal))) || (await buckets(g, mine.signal));
    if (mine.signal.aborted) return;
    series = fresh;
    paint();
  } catch (err) {
    if (!mine.signal.aborted) none.textContent = "The data could not be loaded (" + err.message + "). It is tried again.", retry(5000);
  } finally {
    if (loading === mine) chartBox.classList.remove("loading");
  }
}

async function get(query, signal) {
  const res = await fetch(d.samples + "?" + query, { signal });
  if (res.status === 401) location.assign("/login");
  const body = parse(await res.text());
  if (!res.ok) throw new Error(body.message ?? res.status);
  return body;
}

async function buckets(g, signal) {
  const body = await get(`from=${g.start}&to=${g.end}&buckets=${g.number}`, signal);
  return Series.ofBuckets(body.buckets ?? [], g.width);
}

// samples are a state's changes one by one; null when they are too many. The one before comes in from the left.
async function samples(g, signal) {
  const body = await get(`from=${g.start}&to=${g.end}&limit=${most}`, signal);
  return body.next ? null : Series.ofSamples(body.samples ?? []);
}

function retry(ms) {
  again ||= setTimeout(() => { again = 0; load(); }, ms);
}

function paint() {
  due = 0;
  if (!series) return;
  if (Math.abs(chartBox.clientWidth - drawn) > drawn / 4) load(); // a phone that was turned has room for more, or less
  const [from, to] = edges();
  if (shown.length) series.from(from);
  const end = Math.min(to, now());
  const limit = series.limit(scan), holes = series.holes(limit, end);
  const held = steps && !holes.at(-1)?.open ? end : 0;
  chart ??= new Chart(chartBox, { steps, names: states, unit, limits: d.min === undefined ? null : [Number(d.min), Number(d.max)], zoom, back });
  chart.show({ from, to, holes, columns: series.columns(holes, held) });
  tell(series.sum(from, to), holes, from, to);
}

const soon = () => { due ||= setTimeout(() => requestAnimationFrame(paint), 250); };

// tell sums up in words, for the eye and for screen readers.
function tell(all, holes, from, to) {
  const stretch = words[shown.key] ?? when(from) + " to " + when(to);
  none.textContent = all.n + all.bad ? "" : "No sample in " + (words[shown.key] ?? "this stretch of time") + ". Choose a longer or an earlier one.";
  const name = (v) => states?.[v] ?? number(v);
  const parts = all.n ? (steps ? [] : ["min " + number(all.min), "mean " + number(all.avg, 5), "max " + number(all.max)]) : [];
  sum.textContent = [...parts, count(all.n + all.bad) + " samples", count(all.bad) + " bad"].join(" · ");
  const gaps = holes.filter((h) => !h.bad).map((h) => length(h.to - h.from));
  chartBox.setAttribute("aria-label", `${d.point}, ${stretch}: ` + (all.n ? `${name(all.min)} to ${name(all.max)} ${unit}` : "no value") +
    (gaps.length ? `, ${gaps.length} gap${gaps.length > 1 ? "s" : ""} of ${gaps.slice(0, 5).join(", ")}` : ", no gap") + (all.bad ? `, ${all.bad} bad samples` : ""));
}

// choose shows another stretch, and gives it an address.
function choose(key, from, to) {
  Object.assign(shown, { key, from, to, length: key === "custom" ? 0 : to - from });
  const query = key === "custom" ? `from=${iso(from)}&to=${iso(to)}` : "range=" + key;
  history.pushState(null, "", "?" + query);
  for (const a of document.querySelectorAll("a[data-range]")) {
    const on = a.dataset.range === key;
    a.classList.toggle("pri", on);
    if (on) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
  }
  document.getElementById("as-table").href = `?${query}&view=table`;
  document.getElementById("csv").href = `${d.samples}?format=csv&from=${iso(from)}&to=${iso(to)}`;
  fields();
  load();
}

const iso = (ms) => new Date(ms).toISOString();
const zoom = (from, to) => choose("custom", from, to);
const back = () => document.querySelector("a[data-range='15m']").click();

const form = document.getElementById("custom");
const local = (ms) => { const t = new Date(ms); t.setMinutes(t.getMinutes() - t.getTimezoneOffset()); return t.toISOString().slice(0, 16); };

// fields writes the stretch into the date fields, in the browser's zone.
function fields() {
  const [from, to] = edges();
  form.from.value = local(from);
  form.to.value = local(to);
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  const from = Date.parse(form.from.value), to = Date.parse(form.to.value);
  form.to.setCustomValidity(from < to ? "" : "This is not after “from”.");
  if (!form.reportValidity()) return;
  if (chartBox) choose("custom", from, to);
  else location.search = `?from=${iso(from)}&to=${iso(to)}` + (form.view ? "&view=table" : "");
});
form.addEventListener("input", () => form.to.setCustomValidity(""));
fields();

if (chartBox) {
  for (const a of document.querySelectorAll("a[data-range]")) {
    a.addEventListener("click", (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      choose(a.dataset.range, now() - Number(a.dataset.length), now());
    });
  }
  addEventListener("popstate", () => location.reload());
  load();
  setInterval(() => { if (shown.length && !document.hidden) soon(); }, 1000);
  setInterval(() => { if (shown.length && !document.hidden) load(); }, 60_000); // what came late, where it belongs
}

// renewChanges asks for the page's list of changes again.
function renewChanges() {
  if (!document.getElementById("changes") || !shown.length) return;
  again ||= setTimeout(() => {
    again = 0;
    window.htmx?.ajax("GET", location.pathname + location.search, { target: "#changes", select: "#changes", swap: "outerHTML" });
  }, 1500);
}

let newest = 0, text = box.querySelector(".val").textContent;
watch(document.body.dataset.live, {
  point: d.point,
  samples(list) {
    for (const s of list) {
      if (s.point !== d.point) continue;
      if (s.at >= newest) {
        newest = s.at;
        renew(box, s, names, unit);
        if (String(s.value) !== text) renewChanges();
        text = String(s.value);
      }
      if (!series || !shown.length) continue;
      if (series.put(s)) soon();
      else retry(3000);
    }
  },
  back: () => (chartBox ? load() : renewChanges()),
});
