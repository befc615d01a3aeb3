// Fetches the page again and puts its main part in place, so that nothing flickers and the scroll position stays.
"use strict";
const pause = 2000; // ms

async function refresh() {
  if (!document.hidden) {
    let answers = false;
    try {
      const response = await fetch("/", { signal: AbortSignal.timeout(5000) });
      if (response.ok) {
        const next = new DOMParser().parseFromString(await response.text(), "text/html");
        document.querySelector("main").replaceWith(document.adoptNode(next.querySelector("main")));
        answers = true;
      }
    } catch {
      // The header says it; the next attempt may do better.
    }
    document.getElementById("lost").hidden = answers;
    document.body.classList.toggle("stale", !answers);
  }
  setTimeout(refresh, pause);
}

setTimeout(refresh, pause);
