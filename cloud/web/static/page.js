// What every page has: ages that count, times in the browser's zone, and the server's own address in what is to be typed.
import { age, when } from "./format.js";
import { now } from "./clock.js";

function tick() {
  const at = now();
  for (const e of document.querySelectorAll(".age[data-at]")) {
    const text = age(at - Number(e.dataset.at));
    if (e.textContent !== text) e.textContent = text;
    const ago = e.nextElementSibling;
    if (ago && ago.classList.contains("ago")) ago.hidden = text === "now";
  }
}

function local(root) {
  for (const e of root.querySelectorAll("time[data-at]")) {
    e.title = e.textContent;
    e.textContent = when(Number(e.dataset.at));
  }
  for (const e of root.querySelectorAll("[data-origin]")) e.textContent = location.origin;
  for (const e of root.querySelectorAll("[data-host]")) e.textContent = location.hostname;
}

local(document);
tick();
setInterval(tick, 1000);
document.body.addEventListener("htmx:load", (e) => { local(e.target); tick(); });
// A part that renews itself keeps open what was opened.
let opened = new Set();
document.body.addEventListener("htmx:beforeSwap", () => { opened = new Set([...document.querySelectorAll("#head details[open]")].map((d) => d.textContent.slice(0, 8))); });
document.body.addEventListener("htmx:load", (e) => { for (const d of e.target.querySelectorAll("details")) if (opened.has(d.textContent.slice(0, 8))) d.open = true; });
