// Live values: the server-sent events of /api/v1/live. They are read with fetch, not with EventSource, which keeps back what matters here:
// the status (logged out?) and the heartbeat (is the line dead?).
import { parse } from "./format.js";
import { seen } from "./clock.js";

const silent = 40_000; // ms; the server says something every 15 s
const patience = 2000; // ms; a line that is back sooner is not worth a word
const soonest = 1000, latest = 15_000; // ms before it is tried again

const paused = document.getElementById("paused");

function tell(text) {
  paused.textContent = text;
  paused.hidden = text === "";
}

// watch asks for the live values of a thing, of one point only where it is given. It calls samples(list) and presence(p) as events come, and back() when the line was broken and is there again, until the page goes.
export async function watch(thing, { point, samples, presence = () => {}, back = () => {} }) {
  let wait = soonest, broken = false, word = 0;
  addEventListener("offline", () => tell("Live values paused: this computer is offline. They go on when it is back."));
  for (;;) {
    const opened = () => {
      wait = soonest;
      clearTimeout(word);
      word = 0;
      tell("");
      if (broken) back();
    };
    if (await read(thing, { point, samples, presence, opened })) return;
    broken = true;
    word ||= setTimeout(() => tell("Live values paused, reconnecting…"), patience);
    await pause(wait * (0.7 + 0.6 * Math.random()));
    wait = Math.min(wait * 2, latest);
  }
}

const pause = (ms) => new Promise((done) => {
  setTimeout(done, ms);
  addEventListener("online", done, { once: true });
});

// read reads one answer to its end; true when there is no use in another.
async function read(thing, on) {
  const line = new AbortController();
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => line.abort(), silent);
  };
  alive();
  addEventListener("offline", () => line.abort(), { once: true });
  try {
    const res = await fetch("/api/v1/live?gateway=" + encodeURIComponent(thing) + (on.point ? "&point=" + encodeURIComponent(on.point) : ""), { signal: line.signal, cache: "no-store" });
    if (res.status === 401) {
      location.assign("/login");
      return true;
    }
    if (!res.ok) return false;
    on.opened();
    const text = res.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { done, value } = await text.read();
      if (done) return false;
      alive();
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const e of events) dispatch(e, on);
    }
  } catch {
    return false; // the line broke
  } finally {
    clearTimeout(timer);
  }
}

function dispatch(text, on) {
  let name = "", data = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (!data) return;
  const event = parse(data);
  if (name === "presence") on.presence(event.presence);
  if (name !== "samples" || !event.samples) return;
  for (const s of event.samples) {
    s.at = Date.parse(s.time);
    seen(s.at);
  }
  on.samples(event.samples);
}
