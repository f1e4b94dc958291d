// The confusion matrix of one row or of all rows, and the most frequent confusions.
const NOTHING = "∅";
const LISTED = 14;
const LEAST_CELL = 9; // pixels

// The cells of a row, with indices into its axis.
function cellsOf(number) {
  const { axes, cells } = DATA.confusion;
  // Row 0 stands for all rows together.
  const chosen = number ? cells[number] || [] : Object.values(cells).flat();
  const place = new Map(axes[number].map((character, index) => [character, index]));
  const sums = new Map();
  for (const [one, other, count] of chosen) {
    const [target, read] = [place.get(one), place.get(other)];
    // Of all rows together, some characters of a row may be left out.
    if (target === undefined || read === undefined) continue;
    const key = `${target},${read}`;
    const cell = sums.get(key) || [target, read, 0];
    cell[2] += count;
    sums.set(key, cell);
  }
  return [...sums.values()];
}

const visibleCharacter = (character) => (character === " " ? "␣" : character || NOTHING);

function drawMatrix(number, cells, totals) {
  const { axes, characters } = DATA.confusion;
  const names = axes[number].map((index) => visibleCharacter(characters[index]));
  // Pixels of a cell, so that the matrix fits beside the list of confusions.
  const size = names.length > 40 ? 13 : names.length > 20 ? 17 : 24;
  const start = 22;
  const all = start + names.length * size;
  const least = start + names.length * LEAST_CELL;
  const svg = s("svg", { width: all, height: all, viewBox: `0 0 ${all} ${all}`, style: `min-width: ${least}px`, role: "img", "aria-label": "confusion matrix; the list beside it has its largest cells" });
  const labels = [[], []];
  names.forEach((name, index) => {
    const middle = start + (index + 0.5) * size;
    labels[0].push(s("text", { x: 10, y: middle + 3.5 }, name));
    labels[1].push(s("text", { x: middle, y: 14 }, name));
    svg.append(s("line", { class: "grid", x1: start, x2: all, y1: middle + size / 2, y2: middle + size / 2 }));
    svg.append(s("line", { class: "grid", y1: start, y2: all, x1: middle + size / 2, x2: middle + size / 2 }));
  });
  svg.append(...labels.flat());
  for (const [target, read, count] of cells) {
    const share = count / totals[target];
    const isRight = target === read;
    const rect = s("rect", {
      class: isRight ? "right" : "wrong",
      x: start + read * size + 0.5, y: start + target * size + 0.5, width: size - 1, height: size - 1, rx: 2,
      // The square root makes rare confusions visible; correct characters stay pale, as nearly all of them are
      // correct.
      "fill-opacity": (isRight ? 0.06 + 0.26 * share : 0.14 + 0.86 * Math.sqrt(share)).toFixed(3),
    });
    const verb = names[target] === NOTHING ? "extra" : "read as";
    addTip(rect, `${names[target]} ${verb} ${names[read]}\n${count} of ${totals[target]} (${percent(share, 1)} %)`);
    const light = (on) => [labels[0][target], labels[1][read]].forEach((text) => text.classList.toggle("lit", on));
    rect.addEventListener("pointerenter", () => light(true));
    rect.addEventListener("pointerleave", () => light(false));
    svg.append(rect);
  }
  $("matrix").replaceChildren(svg);
  return names;
}

function drawConfusion() {
  const number = Number($("confusion-row").value);
  const cells = cellsOf(number);
  const totals = {};
  for (const [target, , count] of cells) totals[target] = (totals[target] || 0) + count;
  const names = drawMatrix(number, cells, totals);
  const wrong = cells.filter(([target, read]) => target !== read).sort((a, b) => b[2] - a[2]);
  const listed = wrong.slice(0, LISTED).map(([target, read, count]) =>
    h("li", {}, h("b", {}, `${names[target]} → ${names[read]}`), h("i", {}, `${count} of ${totals[target]}`)));
  $("confused").replaceChildren(...(listed.length ? listed : [h("li", { class: "empty" }, "no mistakes")]));
  const { images, left_out: leftOut } = DATA.confusion;
  const looked = number ? images[number] : Object.values(images).reduce((sum, count) => sum + count, 0);
  const others = leftOut[number] ? `; ${leftOut[number]} characters that are misread less often are left out` : "";
  $("confusion-note").textContent = looked
    ? `${looked.toLocaleString("en")} texts${others}`
    : "no predictions are stored; see the warnings";
}

function startConfusion() {
  const select = $("confusion-row");
  select.append(h("option", { value: "0" }, "all together"));
  select.append(...DATA.rows.map((row) => h("option", { value: row.number }, `${row.number}  ${row.name}`)));
  if (DATA.rows.length) select.value = String(DATA.rows[0].number);
  select.addEventListener("change", drawConfusion);
  drawConfusion();
}
