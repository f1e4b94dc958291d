// The gallery of mistakes: cards filtered by row, kind and text, a page at a time.
const PAGE = 24;
let room = PAGE;

const joinPieces = (parts) => parts.map(([text]) => text).join("");

function pieces(parts) {
  if (!parts.length) return [h("mark", {}, "(empty)")];
  return parts.map(([text, tag]) => (tag ? h("mark", { title: tag }, text) : text));
}

function picture(entry) {
  // Rows share an image that several of them misread.
  const source = DATA.images[entry.image];
  if (!source) return h("div", { class: "picture missing" }, entry.why || "no image");
  return h("div", { class: "picture" }, h("img", { src: source, alt: `image of ${joinPieces(entry.target)}` }));
}

function nBest(entry) {
  const target = joinPieces(entry.target);
  return h("ol", { class: "best", "aria-label": "most probable texts, with log-probabilities" }, ...entry.best.map(([text, logProb]) => {
    const bar = h("i");
    bar.style.width = `${Math.exp(logProb) * 100}%`;
    return h("li", { class: text === target ? "is-target" : null, title: text === target ? "the target" : null },
      h("code", {}, text || "(empty)"), h("span", { class: "bar-of", "aria-hidden": "true" }, bar),
      h("span", { class: "value" }, logProb.toFixed(2).replace("-", "−")));
  }));
}

function framePath(path) {
  const parts = path.match(/·+|[^·]+/g) || [];
  return h("p", { class: "path", title: "most probable class of each frame; · is the blank" },
    ...parts.map((part) => (part.startsWith("·") ? h("span", {}, part) : part)));
}

function card(entry) {
  const row = ROWS.get(entry.row);
  const seed = entry.seed === null ? "" : `, seed ${entry.seed}`;
  return h("article", { class: "card", "data-row": entry.row, "data-kind": entry.kind },
    picture(entry),
    h("dl", { class: "texts" },
      h("dt", {}, "target"), h("dd", { class: "target" }, ...pieces(entry.target)),
      h("dt", {}, "read"), h("dd", { class: "read" }, ...pieces(entry.read))),
    entry.path === undefined ? null : framePath(entry.path),
    entry.best === undefined ? null : nBest(entry),
    h("footer", {}, h("span", {}, `${row.number}  ${row.name}${seed}, ${entry.name || `image ${entry.index}`}`),
      h("span", { class: "kind" }, DATA.gallery.kinds[entry.kind] || entry.kind)));
}

function findMatches() {
  const [row, kind] = [$("filter-row").value, $("filter-kind").value];
  const fold = $("filter-case").checked ? (text) => text : (text) => text.toLowerCase();
  const text = fold($("filter-text").value);
  return DATA.gallery.entries.filter((entry) =>
    (!row || String(entry.row) === row) && (!kind || entry.kind === kind)
    && (!text || fold(joinPieces(entry.target)).includes(text) || fold(joinPieces(entry.read)).includes(text)));
}

function countText(found) {
  const row = $("filter-row").value;
  const counts = Object.entries(DATA.gallery.counts).filter(([number]) => !row || number === row);
  const sum = (name) => counts.reduce((total, [, count]) => total + count[name], 0);
  const of = `${sum("shown").toLocaleString("en")} of ${sum("wrong").toLocaleString("en")} mistakes are in this file`;
  const notes = new Set(counts.map(([, count]) => count.note).filter(Boolean));
  const why = notes.size ? `; ${[...notes].join("; ")}` : "";
  return `${found.toLocaleString("en")} match; ${of} (of ${sum("images").toLocaleString("en")} texts)${why}.`;
}

function drawGallery() {
  const found = findMatches();
  $("cards").replaceChildren(...found.slice(0, room).map(card));
  if (!found.length) {
    const why = DATA.gallery.entries.length ? "No mistake matches; try fewer filters." : "No mistakes to show.";
    $("cards").replaceChildren(h("p", { class: "empty" }, why));
  }
  $("gallery-count").textContent = countText(found.length);
  $("more").hidden = found.length <= room;
  $("more").textContent = `Show ${Math.min(PAGE, found.length - room)} more of ${found.length - room}`;
}

function startGallery() {
  const kinds = Object.entries(DATA.gallery.kinds).filter(([kind]) => DATA.gallery.entries.some((entry) => entry.kind === kind));
  $("filter-kind").append(...kinds.map(([kind, name]) => h("option", { value: kind }, name)));
  $("filter-row").append(...DATA.rows.map((row) => h("option", { value: row.number }, `${row.number}  ${row.name}`)));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  for (const event of ["input", "change"]) {
    $("filters").addEventListener(event, () => { room = PAGE; drawGallery(); });
  }
  $("more").addEventListener("click", () => { room += PAGE; drawGallery(); });
  drawGallery();
}
