// Helpers: elements (text is never parsed as markup), colours, number formats, the tooltip.
const DATA = JSON.parse(document.getElementById("data").textContent);
// From an element of the page, so that the file contains no web address.
const SVG = document.querySelector("svg").namespaceURI;
const ROWS = new Map(DATA.rows.map((row) => [row.number, row]));

const $ = (id) => document.getElementById(id);

// Children are added as text nodes: names and errors in a report may hold markup.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

const COLOURS = 8;
const colour = (index) => `var(--c${(index % COLOURS) + 1})`;
const dash = (index) => ["none", "6 4", "2 3", "9 3 2 3"][Math.floor(index / COLOURS) % 4];

const percent = (share, digits = 2) => (share * 100).toFixed(digits);

function short(value, digits = 3) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(digits)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(digits)}k`;
  return String(+value.toPrecision(digits));
}

const tip = $("tip");

function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${y - height - 12 > 0 ? y - height - 12 : y + 18}px`;
}

const hideTip = () => { tip.hidden = true; };

// Scrolling hides the tooltip, unless its element has the keyboard focus.
function followTip() {
  const focused = document.activeElement;
  if (!tip.hidden && focused.matches("[data-tip]")) showBeside(focused);
  else hideTip();
}

function showBeside(element) {
  const box = element.getBoundingClientRect();
  showTip(element.dataset.tip, box.right, box.top);
}

// Show a text while the pointer is over the element, or while it has the keyboard focus.
function addTip(element, text) {
  element.addEventListener("pointermove", (event) => showTip(text, event.clientX, event.clientY));
  element.addEventListener("pointerleave", hideTip);
  element.dataset.tip = text;
  element.addEventListener("focus", () => showBeside(element));
  element.addEventListener("blur", hideTip);
  return element;
}
