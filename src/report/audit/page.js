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
const graph = document.querySelector(".graph svg");
const about = document.getElementById("about");
// What a node took and gave: its lines, its neighbours, and its rows of the table.
function choose(number) {
  graph.classList.toggle("chosen", number !== undefined);
  const near = new Set([number]);
  for (const edge of graph.querySelectorAll(".edge")) {
    const { from, to } = edge.dataset;
    const mine = number !== undefined && (from === number || to === number);
    edge.classList.toggle("near", mine);
    if (mine) near.add(from).add(to);
  }
  for (const node of graph.querySelectorAll(".node")) node.classList.toggle("near", near.has(node.dataset.node));
  about.hidden = number === undefined;
  if (about.hidden) return;
  const table = document.createElement("table");
  table.append(document.querySelector("#flows thead").cloneNode(true));
  const body = table.createTBody();
  for (const row of document.querySelectorAll("#flows tbody tr")) {
    if (row.dataset.from === number || row.dataset.to === number) body.append(row.cloneNode(true));
  }
  about.replaceChildren(table);
}
if (graph) {
  const focused = () => document.activeElement?.closest?.(".node")?.dataset.node;
  for (const node of graph.querySelectorAll(".node")) {
    node.addEventListener("mouseenter", () => choose(node.dataset.node));
    node.addEventListener("mouseleave", () => choose(focused()));
    node.addEventListener("focus", () => choose(node.dataset.node));
    node.addEventListener("blur", () => choose(undefined));
  }
}
