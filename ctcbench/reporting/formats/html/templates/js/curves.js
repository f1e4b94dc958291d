// Training curves: a line for the mean, a band from the lowest to the highest model, keys that toggle them.
const FEW = 8;
const PANELS = ["training", "loss", "exact"];
const shown = new Set();

// A curve has the colour of its first row, as in the table and in the scatter plot.
const hue = (curve) => colour(curve.rows[0] - 1);
const dashes = (curve) => dash(curve.rows[0] - 1);

const curveName = (curve) => {
  const names = curve.rows.map((number) => ROWS.get(number).name);
  if (names.length === 1) return names[0];
  const words = names.map((name) => name.split(" "));
  // Rows that share a curve differ in the decoder only: the words that they share name their model.
  const shared = words[0].filter((word, place) => words.every((other) => other[place] === word));
  return shared.length ? `${shared.join(" ")} (rows ${curve.rows.join(", ")})` : names[0];
};

const path = (points, x, y) => points.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L");

function drawCurves(metric) {
  const box = $(`plot-${metric}`);
  const visible = DATA.curves.map((curve, index) => [curve, index]).filter(([, index]) => shown.has(index));
  const points = visible.flatMap(([curve]) => curve[metric]);
  if (!points.length) {
    box.replaceChildren(h("p", { class: "empty" }, "No curve is selected; select some below."));
    return;
  }
  const factor = metric === "exact" ? 100 : 1;
  // The first record of a training loss is of untrained weights, often far above all others.
  const settled = metric === "training" ? visible.flatMap(([curve]) => (curve[metric].length > 1 ? curve[metric].slice(1) : curve[metric])) : points;
  const high = Math.max(...settled.map((point) => point[3])) * factor;
  // One scale for all panels.
  const steps = visible.flatMap(([curve]) => PANELS.flatMap((panel) => curve[panel].map((point) => point[0])));
  const { svg, x, y, left, right, top, bottom } = frame(box, {
    xs: [0, Math.max(...steps)],
    ys: [0, high * 1.04 || 1],
    xLabel: "step",
    yUnit: metric === "exact" ? " %" : "",
  });
  const inside = `inside-${metric}`;
  svg.append(s("clipPath", { id: inside }, s("rect", { x: left, y: top - 3, width: right - left + 3, height: bottom - top + 6 })));
  const lines = s("g", { "clip-path": `url(#${inside})` });
  svg.append(lines);
  svg.setAttribute("aria-label", `${metric} by training step, ${visible.length} curves`);
  // The best row is drawn last, above the others.
  for (const [curve] of visible.reverse()) {
    const band = curve[metric];
    if (!band.length) continue;
    const upper = band.map(([step, , , top]) => [step, top * factor]);
    const lower = band.map(([step, , bottom]) => [step, bottom * factor]).reverse();
    const line = band.map(([step, mean]) => [step, mean * factor]);
    const last = line[line.length - 1];
    const text = `${curveName(curve)}\n${curve.models} model${curve.models === 1 ? "" : "s"}, at step ${last[0]}: ${last[1].toFixed(2)}`;
    if (curve.models > 1) {
      lines.append(s("path", { class: "band", fill: hue(curve), d: `M${path([...upper, ...lower], x, y)}Z` }));
    }
    const stroke = { class: "line", stroke: hue(curve), "stroke-dasharray": dashes(curve) };
    lines.append(addTip(s("path", { ...stroke, d: `M${path(line, x, y)}` }), text));
    // A line with one point is invisible.
    if (line.length === 1) lines.append(s("circle", { cx: x(last[0]), cy: y(last[1]), r: 3.5, fill: hue(curve) }));
  }
  box.replaceChildren(svg);
}

function drawAllCurves() {
  PANELS.forEach(drawCurves);
  for (const key of $("curve-keys").children) {
    key.setAttribute("aria-pressed", shown.has(Number(key.dataset.curve)));
  }
}

// Hide panels without a curve. Those whose curves are a single point, such as the validation of a run of one epoch,
// are hidden if another panel has lines.
function choosePanels() {
  const most = (metric) => Math.max(...DATA.curves.map((curve) => curve[metric].length));
  const least = PANELS.some((metric) => most(metric) > 1) ? 2 : 1;
  const visible = PANELS.filter((metric) => most(metric) >= least);
  PANELS.forEach((metric) => { $(`plot-${metric}`).closest("figure").hidden = !visible.includes(metric); });
  $("one-validation").hidden = most("exact") !== 1 || visible.includes("exact");
  return visible;
}

function startCurves() {
  if (!DATA.curves.length) {
    $("no-curves").hidden = false;
    document.querySelectorAll("#training .panels, #training .controls").forEach((part) => { part.hidden = true; });
    return;
  }
  const show = (indices) => { shown.clear(); indices.forEach((index) => shown.add(index)); };
  const all = DATA.curves.map((_, index) => index);
  const sets = { few: all.slice(0, FEW), all, none: [] };
  document.querySelectorAll("[data-curves]").forEach((button) => {
    button.addEventListener("click", () => { show(sets[button.dataset.curves]); drawAllCurves(); });
  });
  $("curve-keys").append(...DATA.curves.map((curve, index) => {
    const sample = s("svg", { "aria-hidden": "true" },
      s("line", { x1: 0, x2: "100%", y1: "50%", y2: "50%", stroke: hue(curve), "stroke-width": 3, "stroke-dasharray": dashes(curve) }));
    const key = h("button", { type: "button", class: "key", "data-curve": index }, sample, curveName(curve));
    key.addEventListener("click", () => {
      // delete() returns whether it was there: a toggle.
      if (!shown.delete(index)) shown.add(index);
      drawAllCurves();
    });
    return key;
  }));
  document.querySelector("[data-curves=few]").hidden = all.length <= FEW;
  document.querySelector("#training .controls").hidden = all.length < 2;
  show(sets.few);
  keepDrawn($(`plot-${choosePanels()[0]}`), drawAllCurves);
}
