// Runs before the page: remembers what went wrong and what was saved, for browser_check.js.
const seen = { errors: [], saved: [] };

addEventListener("error", (event) => seen.errors.push(event.message || `cannot load ${event.target.src}`), true);
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) =>
  seen.errors.push(`refused: ${event.violatedDirective} ${event.blockedURI}`),
);
for (const level of ["error", "warn"]) console[level] = (...words) => seen.errors.push(words.join(" "));

let lastBlob = null;
const createObjectURL = URL.createObjectURL.bind(URL);
URL.createObjectURL = (blob) => createObjectURL((lastBlob = blob));
HTMLAnchorElement.prototype.click = function () {
  seen.saved.push({ name: this.download, blob: lastBlob });
};
