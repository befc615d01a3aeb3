// How values, ages and times are written. The server writes them too when it makes a page (format.go): testdata/numbers.json holds both to
// the same.

const significant = 7;

const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

function group(text) {
  const [, sign, whole, rest] = /^(-?)(\d+)(.*)$/.exec(text);
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + rest;
}

export function number(v, digits = significant) {
  const size = Math.abs(v);
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "NaN" : v < 0 ? "-Inf" : "Inf";
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) {
    const [mantissa, exponent] = v.toExponential(digits - 1).split("e");
    return trim(mantissa) + "e" + Number(exponent);
  }
  const whole = size >= 1 ? Math.floor(Math.log10(size)) + 1 : 1;
  const text = trim(v.toFixed(Math.max(0, digits - whole)));
  return text === "-0" ? "0" : group(text);
}

// value writes what a sample carries: {text, label}, label being an enumeration's name for it.
export function value(v, names) {
  const exact = v instanceof Whole ? v.text : v;
  const named = names && (typeof v === "boolean" ? names[Number(v)] : names[exact]);
  const label = named === undefined ? "" : named;
  if (v === null || v === undefined) return { text: "–", label: "", exact: "" };
  if (v instanceof Whole) return { text: group(v.text), label, exact: v.text };
  if (typeof v === "number") return { text: number(v), label, exact: String(v) };
  return { text: String(v), label, exact: String(v) };
}

// Whole is an integer beyond 2^53, for which JavaScript's numbers have no room.
export class Whole {
  constructor(text) { this.text = text; }
  valueOf() { return Number(this.text); }
}

// parse reads JSON without rounding integers, where the browser lets it see how a number was written.
export const parse = (text) =>
  JSON.parse(text, (_, v, context) =>
    typeof v === "number" && !Number.isSafeInteger(v) && context && /^-?\d+$/.test(context.source) ? new Whole(context.source) : v);

export function age(ms) {
  const s = ms / 1000;
  if (s < 1) return "now";
  if (s < 60) return Math.floor(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
  return group(String(Math.floor(s / 86400))) + " d";
}

// length is a stretch of time in words: "9 min", "1 h 20 min".
export function length(ms) {
  const s = Math.round(ms / 1000);
  if (s < 100) return s + " s";
  const min = Math.round(s / 60);
  if (min < 100) return min + " min";
  const h = Math.floor(min / 60);
  if (h < 48) return h + " h" + (min % 60 ? " " + (min % 60) + " min" : "");
  return Math.round(h / 24) + " d";
}

const moment = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" }); // 2026-03-01 08:00:05
export const when = (ms) => moment.format(new Date(ms));

export const count = (n) => group(String(n));
