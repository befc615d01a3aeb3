// The server's clock: ages are told by it, whatever the browser's is set to.
let ahead = Date.now() - Number(document.body.dataset.now);

export const now = () => Date.now() - ahead;

// seen takes a moment that the server has certainly passed: a slow page makes its clock look late.
export function seen(ms) {
  if (ms > now() && ms - now() < 5000) ahead = Date.now() - ms;
}
