"use strict";
// The timeline. Its data stand in the page; times are milliseconds since `data.begun`. A node is
// { n: name, s: set, b: [[phase, from, to]], e: [how, at], k: batch, r: run, w: [code, words], t: [[part, time]] }.
// What nodes have said is put into the page as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const PHASES = { s: "staging", w: "staged, waits", r: "reboots", j: "jump system", n: "new system" };
const SETS = ["all", "ok", "ko", "inflight", "untouched", "staged"];
const ORDERS = { named: "As named", jumped: "By jump", slowest: "Slowest first" };
const HEIGHTS = { fit: "All at once", rows: "Readable" };
const [NAMES, EDGE, GAP, ROW, LABEL] = [150, 14, 26, 18, 17];
const state = { query: "", set: "all", order: "named", height: "fit", nodes: data.nodes, chosen: null };
const view = at("view");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function time(millis) {
  const seconds = Math.floor(millis / 1000);
  if (seconds < 60) return `${(Math.floor(millis / 100) / 10).toFixed(1)} s`;
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}

function clock(millis) {
  const date = new Date(data.begun + millis);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 19).replace("T", " ");
}

const jumped = (node) => (node.b.find((bar) => bar[0] === "r") || [0, Infinity])[1];

function outOfService(node) {
  const from = jumped(node);
  const last = node.b[node.b.length - 1];
  return from === Infinity ? -1 : (node.e ? node.e[1] : last[2]) - from;
}

// Whether it is in the set: those that are staged are untouched as well.
const isIn = (node, set) => set === "all" || node.s === set || (set === "untouched" && node.s === "staged");

function choose() {
  const query = state.query.toLowerCase();
  const found = (node) => node.n.toLowerCase().includes(query) || (node.w && node.w[0].toLowerCase().includes(query));
  const nodes = data.nodes.filter((node) => isIn(node, state.set) && (!query || found(node)));
  if (state.order === "jumped") nodes.sort((a, b) => (jumped(a) === jumped(b) ? 0 : jumped(a) - jumped(b)));
  if (state.order === "slowest") nodes.sort((a, b) => outOfService(b) - outOfService(a));
  state.nodes = nodes;
  if (!nodes.includes(state.chosen)) state.chosen = query && nodes.length ? nodes[0] : null;
  at("shown").textContent = `${nodes.length.toLocaleString("en")} of ${data.nodes.length.toLocaleString("en")} nodes are shown.`;
  details();
  layOut();
}

// How high a lane is: as high as all of them need to be seen at once, or to be read.
function high() {
  if (state.height === "rows" || !state.nodes.length) return ROW;
  return Math.max(0.5, Math.min(ROW, view.clientHeight / state.nodes.length));
}

function layOut() {
  // Few lanes leave room for what is told below them.
  view.style.maxHeight = `${Math.max(4, state.nodes.length) * ROW + 2}px`;
  at("room").style.height = `${Math.ceil(state.nodes.length * high())}px`;
  show();
  draw();
}

// Scrolls to the chosen node.
function show() {
  const place = state.nodes.indexOf(state.chosen) * high();
  if (place < 0) return;
  if (place < view.scrollTop) view.scrollTop = place;
  else if (place + high() > view.scrollTop + view.clientHeight) view.scrollTop = place + high() - view.clientHeight;
}

// Where a time is: time during which nobody conducted the fleet takes a small gap.
function scale(width) {
  const all = data.periods.reduce((sum, [from, to]) => sum + to - from, 0) || 1;
  const room = width - NAMES - EDGE - GAP * Math.max(0, data.periods.length - 1);
  const parts = [];
  let x = NAMES;
  for (const [from, to] of data.periods) {
    const wide = (room * (to - from)) / all;
    parts.push({ from, to, x, wide });
    x += wide + GAP;
  }
  const place = (millis) => {
    let last = NAMES;
    for (const part of parts) {
      if (millis < part.from) return last;
      if (millis <= part.to) return part.x + (part.to > part.from ? (part.wide * (millis - part.from)) / (part.to - part.from) : 0);
      last = part.x + part.wide;
    }
    return last;
  };
  return { parts, place, each: room / all };
}

function pen(canvas, width, height) {
  const dots = devicePixelRatio || 1;
  canvas.width = Math.round(width * dots);
  canvas.height = Math.round(height * dots);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const made = canvas.getContext("2d");
  made.setTransform(dots, 0, 0, dots, 0, 0);
  return made;
}

let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["s", "w", "r", "j", "n", "bad", "good", "lane", "chosen", "text", "soft", "line", "panel", "accent", "ground"];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  colours.font = "system-ui, 'DejaVu Sans', sans-serif";
  colours.mono = style.getPropertyValue("--mono").trim();
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].map((s) => s * 1000);

function ticks(to) {
  const step = STEPS.find((each) => each * to.each >= 80) || STEPS[STEPS.length - 1];
  const found = [];
  for (const part of to.parts) {
    for (let tick = Math.ceil(part.from / step) * step; tick <= part.to && found.length < 500; tick += step) found.push(tick);
  }
  return found;
}

function tick(millis) {
  const seconds = Math.round(millis / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${hours ? two(Math.floor(seconds / 60) % 60) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

function moments() {
  return data.marks.map((mark) => {
    if (mark.kind === "stopped") return { ...mark, text: `stopped: ${mark.why}`, colour: colours.bad };
    if (mark.kind === "resumed") return { ...mark, text: "taken up again", colour: colours.accent };
    const whose = mark.number ? `batch ${mark.number}` : "canary";
    return { ...mark, text: `${whose}: ${mark.count}`, colour: colours.text };
  });
}

// Puts the labels into rows in which none lies on another; what finds no row has its line alone.
function labels(brush, to, width) {
  const ends = [];
  const placed = [];
  for (const mark of moments()) {
    const x = to.place(mark.at);
    let text = mark.text;
    const most = Math.max(width - x - 8, x - NAMES);
    while (text.length > 8 && brush.measureText(text).width > most) text = `${text.slice(0, -2)}…`;
    const wide = brush.measureText(text).width + 8;
    const left = x + wide > width ? x - wide : x;
    let row = ends.findIndex((end) => end < left);
    if (row < 0 && ends.length < 4) row = ends.length;
    if (row >= 0) ends[row] = left + wide + 6;
    placed.push({ ...mark, x, left: left === x ? x + 4 : left + 4, row, text });
  }
  return { placed, rows: Math.max(1, ends.length) };
}

function draw() {
  const width = view.clientWidth;
  if (!width) return;
  const to = scale(width);
  const marks = drawAxis(width, to);
  drawLanes(width, to, marks);
}

function drawAxis(width, to) {
  let brush = at("axis").getContext("2d");
  brush.font = `12px ${colours.font}`;
  const { placed, rows } = labels(brush, to, width);
  const height = (rows + 1) * LABEL + 4;
  brush = pen(at("axis"), width, height);
  brush.font = `12px ${colours.font}`;
  brush.textBaseline = "middle";
  for (const mark of placed) {
    brush.fillStyle = mark.colour;
    const top = mark.row < 0 ? rows * LABEL : mark.row * LABEL;
    brush.fillRect(Math.round(mark.x), top, mark.kind === "stopped" ? 2 : 1, height - top);
  }
  for (const mark of placed.filter((each) => each.row >= 0)) {
    brush.fillStyle = colours.ground;
    brush.fillRect(mark.left - 2, mark.row * LABEL + 1, brush.measureText(mark.text).width + 4, LABEL - 2);
    brush.fillStyle = mark.colour;
    brush.fillText(mark.text, mark.left, mark.row * LABEL + LABEL / 2);
  }
  brush.fillStyle = colours.soft;
  brush.font = `11px ${colours.font}`;
  for (const moment of ticks(to)) {
    const x = to.place(moment);
    brush.fillRect(Math.round(x), height - 5, 1, 5);
    const wide = brush.measureText(tick(moment)).width;
    brush.fillText(tick(moment), Math.min(x + 3, width - wide - 1), height - 4 - LABEL / 2);
  }
  return placed;
}

function drawLanes(width, to, marks) {
  const each = high();
  const height = Math.max(view.clientHeight, 1);
  const brush = pen(at("lanes"), width, height);
  brush.textBaseline = "middle";
  const first = Math.max(0, Math.floor(view.scrollTop / each));
  const last = Math.min(state.nodes.length, Math.ceil((view.scrollTop + height) / each));
  const inner = each > 8 ? each - 3 : each > 3 ? each - 1 : each;
  const bottom = Math.min(height, state.nodes.length * each - view.scrollTop);
  drawGrid(brush, to, bottom);
  for (let place = first; place < last; place += 1) {
    const node = state.nodes[place];
    const top = place * each - view.scrollTop;
    // Lanes thinner than a dot share one, which the last of them has.
    const [upper, thick] = each < 3 ? [Math.floor(top), Math.max(1, Math.floor(top + each) - Math.floor(top))] : [top + (each - inner) / 2, inner];
    if (node === state.chosen) {
      brush.fillStyle = colours.chosen;
      brush.fillRect(0, top, width, Math.max(each, 2));
    }
    for (const [phase, from, until] of node.b) {
      const x = to.place(from);
      brush.fillStyle = colours[phase];
      brush.fillRect(x, upper, Math.max(to.place(until) - x, 0.75), thick);
    }
  }
  for (const mark of marks) {
    brush.fillStyle = mark.colour;
    brush.globalAlpha = mark.kind === "stopped" ? 0.9 : 0.45;
    brush.fillRect(Math.round(mark.x), 0, mark.kind === "stopped" ? 2 : 1, bottom);
  }
  brush.globalAlpha = 1;
  for (let place = first; place < last; place += 1) drawEnd(brush, to, state.nodes[place], place * each - view.scrollTop, each);
  if (each >= 11) drawNames(brush, first, last, each);
  else drawName(brush, state.nodes.indexOf(state.chosen), each, height);
}

function drawGrid(brush, to, bottom) {
  brush.fillStyle = colours.line;
  for (const moment of ticks(to)) brush.fillRect(Math.round(to.place(moment)), 0, 1, bottom);
  to.parts.slice(1).forEach((part) => {
    brush.fillStyle = colours.lane;
    brush.fillRect(part.x - GAP, 0, GAP, bottom);
  });
}

// A cross where a node has failed, a tick where it is done: shapes, not colours alone.
function drawEnd(brush, to, node, top, each) {
  if (!node.e) return;
  const [how, when] = node.e;
  const [x, y] = [to.place(when), top + each / 2];
  if (how !== "done") {
    const arm = Math.max(2, Math.min(5, each / 2 - 2));
    if (each < 6) {
      brush.fillStyle = colours.bad;
      brush.fillRect(x - 2, y - 1.5, 8, 3);
      return;
    }
    brush.strokeStyle = colours.bad;
    brush.lineWidth = 2.5;
    brush.beginPath();
    brush.moveTo(x + 2, y - arm);
    brush.lineTo(x + 2 + 2 * arm, y + arm);
    brush.moveTo(x + 2, y + arm);
    brush.lineTo(x + 2 + 2 * arm, y - arm);
    brush.stroke();
  } else if (each >= 6) {
    const arm = Math.min(4, each / 2 - 2);
    brush.strokeStyle = colours.good;
    brush.lineWidth = 2;
    brush.beginPath();
    brush.moveTo(x + 2, y);
    brush.lineTo(x + 2 + arm * 0.8, y + arm * 0.8);
    brush.lineTo(x + 2 + arm * 2.4, y - arm);
    brush.stroke();
  }
}

function drawNames(brush, first, last, each) {
  brush.font = `${Math.min(12, each - 4)}px ${colours.mono}`;
  for (let place = first; place < last; place += 1) {
    const node = state.nodes[place];
    brush.fillStyle = node.s === "ko" ? colours.bad : colours.text;
    let name = node.n;
    while (name.length > 4 && brush.measureText(name).width > NAMES - 14) name = `${name.slice(0, -2)}…`;
    brush.fillText(name, 6, place * each - view.scrollTop + each / 2 + 0.5);
  }
}

// Where lanes are too thin for names the chosen one has its own.
function drawName(brush, place, each, height) {
  brush.font = `12px ${colours.mono}`;
  if (place < 0) {
    brush.fillStyle = colours.soft;
    brush.font = `12px ${colours.font}`;
    if (state.nodes.length) [`${state.nodes.length.toLocaleString("en")} lanes;`, "point, or search /"].forEach((line, row) => brush.fillText(line, 8, 14 + row * 16));
    return;
  }
  const y = Math.max(9, Math.min(height - 9, place * each - view.scrollTop + each / 2));
  brush.fillStyle = colours.accent;
  brush.fillText(`${state.chosen.n} ▸`, 6, y);
}

// What is known of the chosen node.
function details() {
  const box = at("node");
  box.textContent = "";
  const node = state.chosen;
  if (!node) return;
  const title = element("h3", "", node.n);
  const end = node.e ? `${node.e[0]} at ${clock(node.e[1])}` : { untouched: "untouched", staged: "staged", inflight: "on its way" }[node.s];
  title.append(element("span", "soft", ` – ${end}${node.k === undefined ? "" : node.k ? `, batch ${node.k}` : ", canary"}`));
  box.append(title);
  if (node.w) {
    const why = element("p", "bad", `${node.w[1]} `);
    why.append(element("code", "", `[${node.w[0]}]`));
    box.append(why);
  }
  if (node.r) {
    const line = element("p", "quiet", "Log: ");
    const link = element("a", "", data.runs + node.r + data.events);
    link.href = data.runs + node.r + data.events;
    line.append(link);
    box.append(line);
  }
  const way = element("div", "way");
  if (node.b.length) {
    way.append(table(["Stage", "Since", "Time"], node.b.map(([phase, from, until]) => [PHASES[phase], clock(from), time(until - from)])));
  }
  // The staging stands among the stages.
  const told = (node.t || []).filter(([part]) => part !== "staging");
  if (told.length) way.append(table(["Part, as told", "Time"], told.map(([part, millis]) => [part, time(millis)])));
  box.append(way);
}

function table(heads, rows) {
  const made = element("table");
  const head = made.createTHead().insertRow();
  heads.forEach((text, column) => {
    const cell = element("th", column === heads.length - 1 ? "n" : "", text);
    cell.scope = "col";
    head.append(cell);
  });
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, column) => {
      const cell = element(column ? "td" : "th", column === row.length - 1 ? "n" : "", text);
      if (!column) cell.scope = "row";
      line.append(cell);
    });
  }
  return made;
}

function pick(node) {
  state.chosen = node;
  details();
  show();
  draw();
}

function nodeAt(event) {
  const top = event.clientY - view.getBoundingClientRect().top - view.clientTop + view.scrollTop;
  return state.nodes[Math.floor(top / high())];
}

function tip(event) {
  const node = nodeAt(event);
  const shown = at("tip");
  shown.hidden = !node;
  if (!node) return;
  shown.textContent = "";
  shown.append(element("b", "", node.n));
  const to = scale(view.clientWidth);
  const x = event.clientX - view.getBoundingClientRect().left - view.clientLeft;
  const bar = node.b.find(([, from, until]) => x >= to.place(from) && x <= to.place(until));
  if (bar) shown.append(element("div", "", `${PHASES[bar[0]]} ${time(bar[2] - bar[1])}, since ${clock(bar[1])}`));
  if (node.e) shown.append(element("div", "", `${node.e[0]} at ${clock(node.e[1])}`));
  if (node.w) shown.append(element("div", "", `${node.w[1]} [${node.w[0]}]`));
  const seen = shown.getBoundingClientRect();
  shown.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - seen.width - 8))}px`;
  const below = event.clientY + 16;
  shown.style.top = `${below + seen.height > innerHeight ? Math.max(4, event.clientY - seen.height - 10) : below}px`;
}

// A row of buttons of which one is pressed.
function buttons(id, words, key) {
  for (const [value, text] of Object.entries(words)) {
    const button = element("button", "", text);
    button.type = "button";
    const press = () => at(id).childNodes.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    button.addEventListener("click", () => {
      state[key] = value;
      press();
      choose();
    });
    at(id).append(button);
    button.setAttribute("aria-pressed", String(state[key] === value));
  }
}

function search(text) {
  at("search").value = text;
  state.query = text.trim();
  view.scrollTop = 0;
  choose();
}

// Whether a key has chosen a node.
function moves(key) {
  const page = Math.max(1, Math.floor(view.clientHeight / high()) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (!(key in steps) || !state.nodes.length) return false;
  const now = state.nodes.indexOf(state.chosen);
  const next = now < 0 && key.startsWith("Arrow") ? 0 : now + steps[key];
  pick(state.nodes[Math.max(0, Math.min(state.nodes.length - 1, next))]);
  return true;
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.activeElement === at("search");
  if (event.key === "/" && !field) {
    at("search").focus();
    at("search").select();
  } else if (event.key === "Escape" && (field || document.activeElement === view)) {
    state.chosen = null;
    search("");
    view.focus();
  } else if (field ? ["Home", "End"].includes(event.key) || !moves(event.key) : document.activeElement !== view || !moves(event.key)) {
    return;
  }
  event.preventDefault();
});
at("search").addEventListener("input", () => search(at("search").value));
view.addEventListener("scroll", draw, { passive: true });
view.addEventListener("click", (event) => { const node = nodeAt(event); if (node) pick(node); });
view.addEventListener("pointermove", tip);
view.addEventListener("pointerleave", () => { at("tip").hidden = true; });
addEventListener("resize", layOut);
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => { readColours(); layOut(); });
}
for (const cell of document.querySelectorAll("[data-node]")) {
  const node = data.nodes.find((each) => each.n === cell.dataset.node);
  if (!node) continue;
  const lead = () => {
    state.set = "all";
    at("sets").firstChild.click();
    search("");
    pick(node);
    at("timeline-title").scrollIntoView();
    view.focus({ preventScroll: true });
  };
  cell.classList.add("leads");
  cell.tabIndex = 0;
  cell.addEventListener("click", lead);
  cell.addEventListener("keydown", (event) => { if (event.key === "Enter") lead(); });
}
for (const [phase, words] of Object.entries(PHASES)) {
  const entry = element("li");
  entry.append(element("i"), words);
  entry.firstChild.style.background = `var(--${phase})`;
  at("legend").append(entry);
}
for (const [words, colour] of [["✓ done", "good"], ["✕ failed", "bad"]]) {
  const entry = element("li", "", words);
  entry.style.color = `var(--${colour})`;
  at("legend").append(entry);
}
at("timeline").hidden = false;
buttons("sets", Object.fromEntries(SETS.map((set) => [set, `${set} ${data.nodes.filter((node) => isIn(node, set)).length.toLocaleString("en")}`])), "set");
buttons("orders", ORDERS, "order");
buttons("heights", HEIGHTS, "height");
readColours();
// `report.html#node007` shows that node.
function follow() {
  const name = location.hash.slice(1);
  try { search(decodeURIComponent(name)); } catch { search(name); }
}
addEventListener("hashchange", follow);
follow();
requestAnimationFrame(() => { at("opened").textContent = `Drawn ${(performance.now() / 1000).toFixed(2)} s after it was opened.`; });
