// A page with rows of points: live values in those on the screen, and a line of the last hour in each.
import { watch } from "./live.js";
import { renew, names, unitOf } from "./cell.js";
import { draw } from "./spark.js";
import { now } from "./clock.js";

const every = 250; // ms between two paintings

const rows = new Map(); // by point
const waiting = new Map(); // the newest sample of each point that is not painted yet

const screen = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const row = rows.get(target.dataset.point);
    if (row?.tr !== target) continue; // of before the page was renewed
    row.visible = isIntersecting;
    if (isIntersecting) draw(target);
  }
  paint();
}, { rootMargin: "100px" });

// adopt takes over the rows that the page has now.
function adopt() {
  screen.disconnect();
  rows.clear();
  waiting.clear();
  for (const tr of document.querySelectorAll("tr[data-point]")) {
    rows.set(tr.dataset.point, { tr, names: names(tr), unit: unitOf(tr), visible: false });
    screen.observe(tr);
  }
}

adopt();
document.body.addEventListener("htmx:load", (e) => { if (e.target.id === "main") adopt(); });

// renewPage asks for the page again, soon: there are new points, or values were missed.
let asked = 0;
function renewPage(ms) {
  asked ||= setTimeout(() => {
    asked = 0;
    window.htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerHTML" });
  }, ms);
}

let due = 0;
function soon() {
  due ||= setTimeout(() => { due = 0; requestAnimationFrame(paint); }, every);
}

// paint shows what waits for rows on the screen; the others keep theirs until they are.
function paint() {
  const devices = new Set();
  for (const [point, sample] of waiting) {
    const row = rows.get(point);
    if (!row.visible) continue;
    waiting.delete(point);
    renew(row.tr, sample, row.names, row.unit);
    devices.add(row.tr.closest(".device"));
  }
  for (const device of devices) tally(device);
}

// tally counts a device's points that are not good.
function tally(device) {
  const box = device?.querySelector(".notgood");
  if (!box) return;
  const n = device.querySelectorAll("td .q").length;
  box.hidden = n === 0;
  box.querySelector("b").textContent = n;
}

watch(document.body.dataset.live, {
  samples(list) {
    const heard = document.querySelector("#head .heard");
    if (heard) heard.dataset.at = now();
    for (const s of list) {
      if (rows.has(s.point)) waiting.set(s.point, s);
      else if (rows.size === 0) renewPage(1000); // the first points
    }
    soon();
  },
  presence: () => document.body.dispatchEvent(new Event("presence")),
  back: () => renewPage(0), // what came meanwhile is on the page
});
