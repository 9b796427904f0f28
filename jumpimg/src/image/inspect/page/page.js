"use strict";
// The treemap. Its data stand in the page; a node is
// { n: name, k: kind, s: size, c: compressed, f: files, v: version, p: package, b: below }.
// Names come from an image and are put into the page as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const state = { view: "directories", measure: data.measure, trail: [data.directories] };
const KINDS = { d: "directory", f: "file", p: "package", r: "folded" };

const here = () => state.trail[state.trail.length - 1];
const weight = (node) => (state.measure === "size" ? node.s : node.c);
const opens = (node) => Boolean(node.b && node.b.length);

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; unit += 1; }
  return `${unit ? number.toFixed(1) : number} ${units[unit]}`;
}

function share(node) {
  const all = weight(data.directories);
  return `${(all ? (weight(node) / all) * 100 : 0).toFixed(1)} %`;
}

function path(trail) {
  if (state.view === "packages") return trail.map((node) => node.n).slice(1).join(" › ");
  return "/" + trail.slice(1).map((node) => node.n).join("/");
}

// Files of a package have their whole paths; where they are seen, the end must do.
function label(node) {
  return node.k === "f" ? node.n.slice(node.n.lastIndexOf("/") + 1) : node.n;
}

function facts(node) {
  const parts = [`${bytes(node.s)}, compressed ${bytes(node.c)}`, share(node)];
  if (node.f !== 1) parts.push(`${node.f.toLocaleString("en")} files`);
  if (node.v) parts.push(`version ${node.v}`);
  if (node.k === "f") parts.push(node.p ? `package ${node.p}` : "of no package");
  return parts;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Squarified treemaps (Bruls, Huizing, van Wijk 2000): rows along the shorter side, each
// as long as that makes its tiles squarer.
function squarify(nodes, box) {
  const sum = nodes.reduce((total, node) => total + weight(node), 0);
  const scale = sum > 0 ? (box.w * box.h) / sum : 0;
  const areas = nodes.map((node) => [node, weight(node) * scale]).sort((a, b) => b[1] - a[1]);
  const placed = [];
  let { x, y, w, h } = box;
  for (let first = 0; first < areas.length;) {
    const side = Math.min(w, h);
    if (side <= 0 || areas[first][1] <= 0) break;
    let [end, area] = [first + 1, areas[first][1]];
    const worst = (total, least) => {
      const thick = total / side;
      return Math.max(thick * thick / least, areas[first][1] / (thick * thick));
    };
    let ratio = worst(area, area);
    while (end < areas.length && areas[end][1] > 0) {
      const next = worst(area + areas[end][1], areas[end][1]);
      if (next > ratio) break;
      [ratio, area, end] = [next, area + areas[end][1], end + 1];
    }
    const thick = area / side;
    let along = 0;
    for (; first < end; first += 1) {
      const long = areas[first][1] / thick;
      placed.push([areas[first][0], w >= h
        ? { x, y: y + along, w: thick, h: long }
        : { x: x + along, y, w: long, h: thick }]);
      along += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
  }
  return placed;
}

const HEAD = 20;
const EDGE = 3;
const LEVELS = 5;

function draw() {
  const map = at("map");
  map.textContent = "";
  const box = { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight };
  fill(map, [], here().b || [here()], box, [200, 560], 1);
  const first = map.querySelector(".tile");
  if (first) first.tabIndex = 0;
}

// Lays `nodes` out in `box`, and what is in them inside them. Each has a part of the
// circle of hues as large as its weight, so that what is together looks alike.
function fill(map, below, nodes, box, [from, to], level) {
  const sum = nodes.reduce((total, node) => total + weight(node), 0);
  let hue = from;
  for (const [node, place] of squarify(nodes, box)) {
    const hues = [hue, hue + ((to - from) * weight(node)) / sum];
    [, hue] = hues;
    if (place.w < EDGE || place.h < EDGE) continue;
    const frame = opens(node) && level < LEVELS && place.w > 90 && place.h > 60;
    const trail = [...below, node];
    map.append(tile(node, trail, place, (hues[0] + hues[1]) / 2, frame));
    if (!frame) continue;
    const inner = { x: place.x + EDGE, y: place.y + HEAD, w: place.w - 2 * EDGE, h: place.h - HEAD - EDGE };
    fill(map, trail, node.b, inner, hues, level + 1);
  }
}

function tile(node, below, place, hue, frame) {
  const made = element("button", "tile");
  made.type = "button";
  made.tabIndex = -1;
  made.classList.toggle("frame", frame);
  made.classList.toggle("opens", opens(node));
  made.classList.toggle("rest", node.k === "r");
  made.style.cssText = `left:${place.x}px;top:${place.y}px;width:${place.w}px;height:${place.h}px`;
  made.style.setProperty("--hue", hue);
  const trail = [...state.trail, ...below];
  made.setAttribute("aria-label", `${path(trail)}, ${KINDS[node.k]}, ${facts(node).join(", ")}`);
  if (place.w > 34 && place.h > 17) made.append(element("span", "", label(node)));
  if (place.w > 60 && (frame || place.h > 36)) made.append(element("span", "w", bytes(weight(node))));
  made.addEventListener("click", () => { if (opens(node)) go(trail, true); });
  made.addEventListener("pointermove", (event) => tip(node, trail, event.clientX, event.clientY));
  made.addEventListener("pointerleave", hide);
  made.addEventListener("focus", () => {
    if (!made.matches(":focus-visible")) return;
    const seen = made.getBoundingClientRect();
    tip(node, trail, seen.left + 8, seen.top + 8);
  });
  made.addEventListener("blur", hide);
  return made;
}

function tip(node, trail, x, y) {
  const shown = at("tip");
  shown.textContent = "";
  shown.append(element("b", "", path(trail)));
  facts(node).forEach((fact) => shown.append(element("div", "", fact)));
  shown.hidden = false;
  const seen = shown.getBoundingClientRect();
  shown.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - seen.width - 8))}px`;
  shown.style.top = `${y + 16 + seen.height > innerHeight ? Math.max(4, y - seen.height - 10) : y + 16}px`;
}

function hide() { at("tip").hidden = true; }

function go(trail, focus) {
  state.trail = trail;
  hide();
  show();
  const first = at("map").querySelector(".tile");
  if (focus && first) first.focus();
}

function trailLine() {
  const line = at("trail");
  line.textContent = "";
  state.trail.forEach((node, number) => {
    const last = number === state.trail.length - 1;
    const step = element(last ? "span" : "button", "", number ? node.n : state.view === "packages" ? "all packages" : "/");
    if (last) step.setAttribute("aria-current", "true");
    else {
      step.type = "button";
      step.addEventListener("click", () => go(state.trail.slice(0, number + 1), false));
    }
    line.append(step);
    if (!last && (number || state.view === "packages")) line.append(element("span", "quiet", "›"));
  });
}

function levelTable() {
  const body = at("level").tBodies[0];
  body.textContent = "";
  [...(here().b || [])].sort((a, b) => weight(b) - weight(a)).forEach((node) => {
    const row = body.insertRow();
    const name = element("th");
    name.scope = "row";
    const text = node.k === "d" ? `${node.n}/` : node.n;
    if (opens(node)) {
      const button = element("button", "", text);
      button.type = "button";
      button.addEventListener("click", () => go([...state.trail, node], false));
      name.append(button);
    } else name.textContent = text;
    if (node.v) name.append(element("span", "quiet", ` ${node.v}`));
    row.append(name);
    [bytes(node.s), bytes(node.c), share(node), node.f.toLocaleString("en")].forEach((cell) => {
      row.append(element("td", "n", cell));
    });
  });
}

function show() {
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
  }
  for (const button of document.querySelectorAll("[data-measure]")) {
    button.setAttribute("aria-pressed", String(button.dataset.measure === state.measure));
  }
  trailLine();
  at("here").textContent = `${path(state.trail) || "all packages"}: ${facts(here()).join(", ")}`;
  draw();
  levelTable();
}

at("map").addEventListener("keydown", (event) => {
  const tiles = [...at("map").querySelectorAll(".tile")];
  const now = tiles.indexOf(document.activeElement);
  const steps = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: tiles.length - 1 };
  if (event.key in steps) {
    const next = tiles[Math.max(0, Math.min(tiles.length - 1, steps[event.key]))];
    tiles.forEach((each) => { each.tabIndex = each === next ? 0 : -1; });
    next.focus();
  } else if ((event.key === "Backspace" || event.key === "Escape") && state.trail.length > 1) {
    go(state.trail.slice(0, -1), true);
  } else return;
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => {
    state.view = button.dataset.view;
    go([data[state.view]], false);
  });
}
for (const button of document.querySelectorAll("[data-measure]")) {
  button.addEventListener("click", () => { state.measure = button.dataset.measure; show(); });
}
if (!data.packages) document.querySelector("[data-view=packages]").parentElement.hidden = true;
for (const id of ["bar", "map", "keys", "level"]) at(id).hidden = false;
addEventListener("resize", draw);
show();
