"use strict";
const text = document.getElementById("text");
const boxes = [...document.querySelectorAll("#filter input[type=checkbox]")];
const rows = [...document.querySelectorAll("#list tbody tr")];
function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  let shown = 0;
  for (const row of rows) {
    const content = row.textContent.toLowerCase();
    const fits = severities.has(row.dataset.severity) && words.every((word) => content.includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length}`;
}
text.addEventListener("input", filter);
boxes.forEach((box) => box.addEventListener("change", filter));
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
document.querySelectorAll("[data-rule]").forEach((link) => {
  link.addEventListener("click", () => {
    text.value = link.dataset.rule;
    filter();
  });
});
filter();
