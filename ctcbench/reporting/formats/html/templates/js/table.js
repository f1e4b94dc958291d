// Sortable tables: a click on a header sorts by its column; missing values stay at the end.
// Of one language, so that the order does not depend on the browser's.
const collator = new Intl.Collator("en", { numeric: true });

function sortKey(row, column, kind) {
  const cell = row.cells[column];
  if (kind === "text") return cell.textContent.trim();
  const text = cell.dataset.value ?? "";
  return text === "" ? NaN : Number(text);
}

// The values of an axis can be numbers, such as 0.0003, which come before words.
function compareTexts(a, b) {
  const [x, y] = [a, b].map((text) => (text === "" ? NaN : Number(text)));
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return Number.isNaN(x) ? collator.compare(a, b) : x - y;
}

function compare(a, b, kind, sign) {
  if (kind === "text") return sign * compareTexts(a, b);
  // Not multiplied by the sign: missing values come last in both orders.
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

function sortBy(table, column) {
  const headers = [...table.tHead.rows[0].cells];
  const header = headers[column];
  const rising = header.getAttribute("aria-sort") !== "ascending";
  headers.forEach((other) => other.setAttribute("aria-sort", "none"));
  header.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const kind = header.dataset.kind;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row, place) => [sortKey(row, column, kind), place, row]);
  // Rows with equal values keep the order that they had.
  keyed.sort((a, b) => compare(a[0], b[0], kind, rising ? 1 : -1) || a[1] - b[1]);
  body.append(...keyed.map(([, , row]) => row));
}

function startTables() {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      header.querySelector("button").addEventListener("click", () => sortBy(table, column));
    });
  }
  for (const dot of document.querySelectorAll(".dot")) {
    dot.style.background = colour(Number(dot.dataset.colour) - 1);
  }
}
