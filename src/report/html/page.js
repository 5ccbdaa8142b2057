"use strict";
const filter = document.querySelector(".filter");
const search = filter.querySelector("input[type=search]");
const severities = [...filter.querySelectorAll("input[type=checkbox]")];
const shown = filter.querySelector("output");
const items = [...document.querySelectorAll("[data-text]")];
const findings = items.filter((item) => item.dataset.severity);

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(severities.filter((box) => box.checked).map((box) => box.value));
  for (const item of items) {
    const severity = item.dataset.severity;
    const matches = words.every((word) => item.dataset.text.includes(word));
    item.hidden = !matches || (severity !== undefined && !wanted.has(severity));
  }
  const left = findings.filter((finding) => !finding.hidden).length;
  shown.textContent = `${left} of ${findings.length} findings`;
}

for (const item of items) {
  item.dataset.text = item.textContent.toLowerCase();
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
