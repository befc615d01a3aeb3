// A small line of the last hour in a row of points, asked for when the row comes on the screen. Few at a time: a page may have a thousand.
import { now } from "./clock.js";

const hour = 3_600_000, buckets = 60, atOnce = 4;
const wide = matchMedia("(min-width: 641px)");
const queue = [];
let running = 0;

export function draw(tr) {
  if (!wide.matches || tr.dataset.draw === "text" || tr.dataset.drawn) return;
  tr.dataset.drawn = "yes";
  queue.push(tr);
  next();
}

async function next() {
  if (running >= atOnce || queue.length === 0) return;
  const tr = queue.pop(); // the latest is what is looked at
  running++;
  try {
    const to = Math.ceil(now() / 60_000) * 60_000;
    const path = tr.querySelector("a").pathname;
    const res = await fetch(`/api/v1${path}/samples?from=${to - hour}&to=${to}&buckets=${buckets}`);
    if (res.ok) put(tr, (await res.json()).buckets, to - hour);
  } catch {
    delete tr.dataset.drawn; // the line broke: when it is seen again
  } finally {
    running--;
    next();
  }
  next();
}

// put draws min to max over the height; a state goes in steps.
function put(tr, list, from) {
  const some = list.filter((b) => b.count > 0);
  if (some.length < 2) return;
  const steps = tr.dataset.draw === "steps";
  const low = Math.min(...some.map((b) => b.min)), high = Math.max(...some.map((b) => b.max));
  const x = (b) => (((Date.parse(b.time) - from) / hour) * 160).toFixed(1);
  const y = (v) => (high === low ? 11 : 20 - ((v - low) / (high - low)) * 18).toFixed(1);
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 160 22");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "line");
  svg.setAttribute("aria-hidden", "true");
  for (const part of parts(list)) {
    const points = [];
    for (const b of part) {
      if (steps && points.length) points.push(x(b) + "," + points.at(-1).split(",")[1]);
      points.push(x(b) + "," + y(steps ? b.max : b.avg));
    }
    const line = document.createElementNS(ns, "polyline");
    line.setAttribute("points", points.join(" "));
    svg.append(line);
  }
  tr.querySelector(".spark").replaceChildren(svg);
}

// parts are the stretches between bad samples, and between silences longer than a heartbeat.
function parts(list) {
  const all = [[]];
  let last = 0;
  for (const b of list) {
    const at = Date.parse(b.time);
    if (b.count === 0 || at - last > 660_000) all.push([]);
    if (b.count > 0) {
      all.at(-1).push(b);
      last = at;
    }
  }
  return all.filter((part) => part.length > 1);
}
