// A point's value as the templates "value" and "quality" make it, renewed in place. All that came from devices goes through textContent.
import { value, age } from "./format.js";
import { now } from "./clock.js";

export const names = (e) => (e.dataset.enum ? JSON.parse(e.dataset.enum) : null);

// renew shows a sample in what holds a .now, a .q when it is not good, and an .age.
export function renew(root, sample, enumeration, unit) {
  const { text, label, exact } = value(sample.value, enumeration);
  const holder = root.querySelector(".now");
  const shown = document.createElement("span");
  shown.className = "val";
  shown.textContent = label || text;
  shown.title = exact;
  const before = holder.querySelector(".val");
  if (!before || before.textContent !== shown.textContent) shown.classList.add("fresh");
  const parts = [shown];
  if (label) parts.push(" ", dim(text, "u raw"));
  if (unit) parts.push(" ", dim(unit, "u"));
  holder.replaceChildren(...parts);
  quality(root, holder, sample.quality);
  aged(root, sample.at);
}

export const unitOf = (root) => root.querySelector(".now .u:not(.raw)")?.textContent ?? "";

function dim(text, kind) {
  const e = document.createElement("span");
  e.className = kind;
  e.textContent = text;
  return e;
}

function quality(root, holder, text) {
  let badge = root.querySelector(".q");
  if (text === "good") {
    badge?.remove();
    return;
  }
  if (!badge) {
    badge = document.createElement("span");
    holder.after(badge);
  }
  badge.className = "q " + (text.startsWith("uncertain") ? "unc" : "bad");
  badge.textContent = text;
}

function aged(root, at) {
  let e = root.querySelector(".age");
  if (!e) {
    const place = root.querySelector(".ages");
    if (!place) return;
    e = dim("", "age");
    place.replaceChildren(e);
  }
  e.dataset.at = at;
  e.textContent = age(now() - at);
}
