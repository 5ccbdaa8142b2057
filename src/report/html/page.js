"use strict";
const filter = document.querySelector(".filter");
const search = filter.querySelector("input[type=search]");
const severities = [...filter.querySelectorAll("input[type=checkbox]")];
const shown = filter.querySelector("output");
const items = [...document.querySelectorAll("[data-text]")];
const findings = items.filter((item) => item.dataset.severity);

// Not in the document: there it would be laid out and kept twice.
const texts = new Map(items.map((item) => [item, item.textContent.toLowerCase()]));

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(severities.filter((box) => box.checked).map((box) => box.value));
  let left = 0;
  for (const item of items) {
    const severity = item.dataset.severity;
    const text = texts.get(item);
    const hidden = !words.every((word) => text.includes(word)) || (severity !== undefined && !wanted.has(severity));
    if (item.hidden !== hidden) {
      item.hidden = hidden;
    }
    left += severity !== undefined && !hidden;
  }
  shown.textContent = `${left} of ${findings.length} findings`;
}

filter.addEventListener("input", apply);
filter.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    apply();
  }
});
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) {
    details.open = true;
  }
});
filter.hidden = false;
apply();
