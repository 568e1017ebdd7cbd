"use strict";
const make = (tag, name, ...content) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...content);
  return element;
};

// Tables that are filtered: by the words in a row, and by its group.
const filters = {};
for (const form of document.querySelectorAll("form.filter")) {
  const text = form.querySelector("input[type=search]");
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const rows = [...document.querySelectorAll(`#${form.dataset.table} tbody tr`)];
  const contents = rows.map((row) => {
    const digest = row.querySelector("[data-digest]")?.dataset.digest ?? "";
    return `${row.textContent} ${digest} made:${row.dataset.made} `.toLowerCase();
  });
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    rows.forEach((row, at) => {
      const fits = (!boxes.length || groups.has(row.dataset.group)) && words.every((word) => contents[at].includes(word));
      row.hidden = !fits;
      if (row.nextSibling?.className === "tree") row.nextSibling.hidden = !fits;
      shown += fits;
    });
    form.querySelector("output").textContent = `${shown} of ${rows.length}`;
  };
  text.addEventListener("input", filter);
  boxes.forEach((box) => box.addEventListener("change", filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  filters[form.dataset.table] = (words) => {
    text.value = words;
    boxes.forEach((box) => (box.checked = true));
    filter();
  };
  filter();
}
for (const link of document.querySelectorAll("[data-rule]")) {
  link.addEventListener("click", () => filters.list(link.dataset.rule));
}

// How a file was made: trees, each part made when it is opened.
const FIRST = 200;
let known;
function tables() {
  if (known) return known;
  known = JSON.parse(document.getElementById("provenance").textContent);
  const { strings, origins, files, lists, nodes } = known;
  known.places = new Map(nodes.map((node, at) => [`${strings[node.stage]}\0${strings[node.path]}`, at]));
  for (const list of lists) {
    let at = 0;
    list.files = list.files.map((step) => (at += step));
  }
  // The node that a file is of, if a stage left it: its stage and path, too.
  known.source = (file) => {
    const [origin, place] = files[file];
    const name = strings[origins[origin][0]];
    if (!name.startsWith("stage:")) return {};
    const [stage, ...part] = name.slice("stage:".length).split("/");
    const path = [...part, strings[place]].join("/");
    return { stage, path, node: known.places.get(`${stage}\0${path}`) };
  };
  return known;
}

const code = (text) => make("code", "", text);
const faint = (text) => make("span", "faint", text);
function digest(text) {
  const element = make("code", "faint", text.slice(0, 12));
  element.title = text;
  return element;
}
const why = (stage, path, more) => {
  const file = `${stage}:/${path}`;
  const word = /^[\w.,:+@%/-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
  return code(`repro why ${word} ${more}`);
};

function fold(title, fill, open) {
  const element = make("details", "", make("summary", "", ...title));
  let empty = true;
  const look = () => {
    if (!element.open || !empty) return;
    empty = false;
    const list = make("ul");
    fill(list);
    element.append(list);
  };
  element.open = Boolean(open);
  element.addEventListener("toggle", look);
  look();
  return element;
}
const add = (list, ...content) => list.append(make("li", "", ...content));

// The first of many, and a button for the rest.
function some(list, items, one) {
  const fill = (items) => {
    const part = document.createDocumentFragment();
    for (const item of items) part.append(make("li", "", ...one(item)));
    return part;
  };
  list.append(fill(items.slice(0, FIRST)));
  const rest = items.slice(FIRST);
  if (!rest.length) return;
  const button = make("button", "", `${rest.length} more`);
  button.type = "button";
  const line = make("li", "", button);
  button.addEventListener("click", () => line.replaceWith(fill(rest)));
  list.append(line);
}

function command(number) {
  const { strings, commands } = tables();
  const [process, directory, words, cut] = commands[number];
  const text = words.map((word) => strings[word]).join(" ") + (cut ? " …" : "");
  const place = faint(` in ${strings[directory]}, process ${process}`);
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return { text: code(text), short: code(short), place, isLong: text.length > 200 };
}
function commandLine(number) {
  const { text, short, place, isLong } = command(number);
  return isLong ? [fold([short, place], (list) => add(list, text))] : [text, place];
}

function group(one, node) {
  const { strings } = tables();
  const { text, short, place, isLong } = command(one.commands[0]);
  const more = (list) => {
    if (one.count === 1 && isLong) add(list, text);
    if (one.count > 1) {
      add(list, fold([`${one.count} commands`], (list) => {
        some(list, one.commands, commandLine);
        const rest = one.count - one.commands.length;
        if (rest) add(list, `${rest} more: `, why(strings[node.stage], strings[node.path], "--all"));
      }));
    }
    for (const next of one.of ?? []) add(list, ...group(next, node));
    if (one.deeper) add(list, "and so on: ", why(strings[node.stage], strings[node.path], "--all"));
  };
  const title = one.count > 1 ? [`${one.count} × `, make("b", "", strings[one.program]), ", such as ", short, place] : [short, place];
  return one.count > 1 || isLong || one.of || one.deeper ? [fold(title, more)] : title;
}

// A file that something was made of: what is known of it hangs below.
function file(number, readers, search, isControl) {
  const { strings, origins, files, nodes, searches, left, source } = tables();
  const [origin, place, content] = files[number];
  const title = [code(strings[origins[origin][2]] + strings[place]), " ", digest(content)];
  if (readers > 1) title.push(faint(` ${readers}×`));
  const { stage, path, node } = source(number);
  const untold = stage !== undefined && node === undefined && !isControl;
  const [absent, lost] = search === undefined ? [[], []] : searches[search];
  if (lost.length) title.push(faint(` won over ${lost.length}`));
  if (node !== undefined) title.push(faint(nodes[node].copy ? ` copied by ${stage}` : ` made by ${stage}`));
  if (node === undefined && !untold && !lost.length && !absent.length) return title;
  return [
    fold(title, (list) => {
      for (const [path, input, role, content] of lost) {
        add(list, "won over ", code(strings[path]), ` (${strings[input]}, ${role}) `, digest(content));
      }
      if (absent.length) add(list, "looked for before in ", ...absent.map((folder) => code(`${strings[folder]} `)));
      if (node !== undefined) told(list, node);
      if (untold && left.untraced.includes(stage)) add(list, `stage ${stage} has no trace: `, code(`repro trace ${stage}`), " makes one");
      else if (untold && left.changed.includes(stage)) add(list, `stage ${stage} has been built anew since this was taken from it`);
      else if (untold) add(list, "cut here, since the page has a bound: ", why(stage, path, "--depth 99 --all"));
    }),
  ];
}

const CLASSES = {
  data: "from",
  tool: "with: what was executed, and what the stage's own programs were made of",
  control: "by: scripts, makefiles, and what was read to decide",
};

function classOf(list, node, name) {
  const { strings, lists, origins } = tables();
  const mine = (node.lists ?? []).map((number) => lists[number]).filter((one) => one.class === name);
  const generated = name === "control" ? (node.generated ?? []) : [];
  if (!mine.length && !generated.length) return;
  const searches = new Map(node.searches);
  const total = (ones) => ones.reduce((sum, one) => sum + one.files.length + (one.more ?? 0), 0);
  const ofOrigin = (one, open) => {
    const [origin, role] = origins[one.origin];
    return fold([make("b", "", strings[origin]), faint(` ${role}`), ` (${total([one])})`], (list) => {
      const numbers = one.files.map((number, at) => [number, one.readers?.[at]]);
      some(list, numbers, ([number, readers]) => file(number, readers, name === "data" ? searches.get(number) : undefined, name === "control"));
      if (one.more) add(list, `${one.more} more, since the page has a bound: `, why(strings[node.stage], strings[node.path], "--all"));
    }, open);
  };
  add(list, fold([CLASSES[name]], (list) => {
    for (const what of new Set(mine.map((one) => one.what))) {
      const ones = mine.filter((one) => one.what === what);
      add(list, fold([`${what} (${total(ones)})`], (list) => ones.forEach((one) => add(list, ofOrigin(one, ones.length === 1)))));
    }
    if (generated.length) {
      add(list, fold([`made by the stage itself (${generated.length})`], (list) => some(list, generated, (path) => [code(strings[path])])));
    }
  }, name === "data"));
}

// What is known of a node.
function told(list, number) {
  const { strings, nodes } = tables();
  const node = nodes[number];
  const stage = strings[node.stage];
  if (node.copy) {
    const [from, by] = node.copy;
    add(list, `stage ${stage} copied it`, fold([`by ${node.processes === 1 ? "1 process" : `${node.processes} processes`}`], (list) => {
      some(list, by, commandLine);
      const rest = node.processes - by.length;
      if (rest) add(list, `${rest} more: `, why(stage, strings[node.path], "--all"));
    }));
    const of = file(from);
    if (of[0].tagName === "DETAILS") of[0].open = true;
    add(list, ...of);
    return;
  }
  const by = node.by ?? [];
  add(list, fold([`by ${node.processes === 1 ? "1 process" : `${node.processes} processes`} of stage ${stage}`], (list) => {
    for (const one of by) add(list, ...group(one, node));
  }, true));
  for (const name of Object.keys(CLASSES)) classOf(list, node, name);
  if (node.archives) {
    add(list, fold(["upstream archives"], (list) => {
      for (const [name, version, file, content] of node.archives) {
        add(list, make("b", "", `source:${strings[name]}`), ` ${strings[version]}, ${strings[file]} `, digest(content));
      }
    }, true));
  }
  if (node.unknown) {
    const title = make("span", "warning", `read, and neither written by the stage nor an input (${node.unknown.length})`);
    add(list, fold([title], (list) => some(list, node.unknown, (path) => [code(strings[path])])));
  }
  if (node.more) add(list, `${node.more} paths are left out, since the page has a bound: `, why(stage, strings[node.path], "--all"));
}

// A click on a file opens its tree below its row.
function toggle(button, open) {
  const row = button.closest("tr");
  const isOpen = row.nextSibling?.className === "tree";
  if (isOpen === open) return;
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    row.nextSibling.remove();
    return;
  }
  const number = Number(button.dataset.node);
  const { strings, nodes } = tables();
  const node = nodes[number];
  const [stage, path, name] = [strings[node.stage], strings[node.path], row.dataset.file];
  const inner = name.includes("!");
  const link = make("a", "", "link");
  link.href = `#file=${encodeURIComponent(name)}`;
  const list = make("ul");
  told(list, number);
  const cell = make("td", "", make("p", "",
    ...(inner ? ["It has the same content as "] : []), code(`/${path}`), ` of stage ${stage}: `,
    make("code", "", node.digest), " · ", why(stage, path, "--depth 99 --all"), " · ", link), list);
  cell.colSpan = row.cells.length;
  row.after(make("tr", "tree", cell));
}
const openers = [...document.querySelectorAll("#file-list button.open")];
for (const button of openers) button.addEventListener("click", () => toggle(button));
// Opens a file by its name: whole, with a slash in front, or as it is called in an archive.
function openFile(name) {
  const wanted = name.replace(/^\/+/, "");
  const named = (fits) => openers.find((button) => fits(button.closest("tr").dataset.file));
  const button = named((file) => file === name) ?? named((file) => file === wanted) ?? named((file) => file.endsWith(`!${wanted}`));
  if (!button) return;
  filters["file-list"]("");
  toggle(button, true);
  button.focus();
  button.closest("tr").scrollIntoView();
}
for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => openFile(button.dataset.open));
}
function follow() {
  const found = /^#file=(.*)$/.exec(location.hash);
  if (!found) return;
  try {
    openFile(decodeURIComponent(found[1]));
  } catch {
    // It is no address that this page gave.
  }
}
window.addEventListener("hashchange", follow);
follow();

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
  // A wide drawing is shown where it begins: amidst its highest nodes.
  const frame = graph.parentElement;
  const boxes = [...graph.querySelectorAll(".node rect")].map((rect) => rect.getBBox());
  const top = Math.min(...boxes.map((box) => box.y));
  const middles = boxes.filter((box) => box.y === top).map((box) => box.x + box.width / 2);
  frame.scrollLeft = (Math.min(...middles) + Math.max(...middles) - frame.clientWidth) / 2;
  const focused = () => document.activeElement?.closest?.(".node")?.dataset.node;
  const makers = new Set([...document.querySelectorAll("#file-list [data-made]")].map((row) => row.dataset.made));
  for (const node of graph.querySelectorAll(".node")) {
    node.addEventListener("mouseenter", () => choose(node.dataset.node));
    node.addEventListener("mouseleave", () => choose(focused()));
    node.addEventListener("focus", () => choose(node.dataset.node));
    node.addEventListener("blur", () => choose(undefined));
    if (!makers.has(node.dataset.stage)) continue;
    // A stage that made files shows them.
    const show = () => {
      filters["file-list"](`made:${node.dataset.stage}`);
      document.getElementById("files").scrollIntoView();
    };
    node.classList.add("maker");
    node.setAttribute("role", "button");
    node.addEventListener("click", show);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter") show();
    });
  }
}
