// The reliability diagram of one row, and its accuracy against coverage with other rows in the background.
const BACKGROUND = 8;
const hundred = (share) => share * 100;
const IN_PERCENT = { xUnit: " %", yUnit: " %" };

function drawReliability(number) {
  const { bins, texts } = DATA.confidence[number];
  const box = $("plot-reliability");
  const { svg, x, y, bottom } = frame(box, { xs: [0, 100], ys: [0, 100], xLabel: "confidence", ...IN_PERCENT });
  svg.setAttribute("aria-label", "share of right texts by confidence");
  const most = Math.max(...bins.map(([, , count]) => count));
  for (const [low, high, count] of bins) {
    // In the lowest quarter of the plot, below most dots.
    const height = Math.max(1, ((bottom - y(25)) * count) / most);
    const place = { x: x(hundred(low)) + 1, width: x(hundred(high)) - x(hundred(low)) - 2, y: bottom - height, height };
    svg.append(s("rect", { class: "amount", ...place }));
  }
  svg.append(s("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(100), y2: y(100) }));
  const stroke = colour(number - 1);
  const line = bins.map(([, , , sure, right]) => [hundred(sure), hundred(right)]);
  svg.append(s("path", { class: "line thin", stroke, d: `M${path(line, x, y)}` }));
  for (const [low, high, count, sure, right, lower, upper] of bins) {
    const at = x(hundred(sure));
    svg.append(s("line", { class: "whiskers", stroke, x1: at, x2: at, y1: y(hundred(lower)), y2: y(hundred(upper)) }));
    const text = `confidence ${percent(low, 0)} to ${percent(high, 0)} %, mean ${percent(sure, 1)} %\n`
      + `${percent(right, 1)} % right (${percent(lower, 1)} – ${percent(upper, 1)} %)\n`
      + `${count.toLocaleString("en")} of ${texts.toLocaleString("en")} texts`;
    const place = { cx: at, cy: y(hundred(right)), r: 5 };
    svg.append(addTip(s("circle", { class: "spot", fill: stroke, ...place, tabindex: 0, role: "img", "aria-label": text }), text));
  }
  box.replaceChildren(svg);
}

function drawCoverage(number) {
  const box = $("plot-coverage");
  const others = DATA.rows.filter((row) => row.number !== number && DATA.confidence[row.number]).slice(0, BACKGROUND);
  // The chosen row last, above the others.
  const curves = [...others.map((row) => row.number), number].map((one) => [one, DATA.confidence[one].coverage]);
  const lowest = hundred(Math.min(...curves.flatMap(([, curve]) => curve.map(([, right]) => right))));
  const ys = [Math.max(0, Math.min(99, lowest - (100 - lowest) * 0.06)), 100];
  const { svg, x, y } = frame(box, { xs: [0, 100], ys, xLabel: "coverage: share of the texts that is accepted", ...IN_PERCENT });
  svg.setAttribute("aria-label", "accuracy against coverage; the table below has some of its points");
  for (const [one, curve] of curves) {
    const line = curve.map(([coverage, right]) => [hundred(coverage), hundred(right)]);
    const stroke = { stroke: colour(one - 1), "stroke-dasharray": dash(one - 1) };
    const name = `${rowName(ROWS.get(one))}\n${percent(curve[curve.length - 1][1])} % of all texts are right`;
    svg.append(addTip(s("path", { class: one === number ? "line" : "line thin faint", ...stroke, d: `M${path(line, x, y)}` }), name));
    // A line with one point is invisible.
    if (line.length === 1) svg.append(s("circle", { cx: x(line[0][0]), cy: y(line[0][1]), r: 3.5, fill: colour(one - 1) }));
  }
  box.replaceChildren(svg);
}

function drawConfidence(number) {
  const { texts, runs, ece, brier, accepted } = DATA.confidence[number];
  drawReliability(number);
  drawCoverage(number);
  $("confidence-facts").replaceChildren(...facts([
    ["expected calibration error", `${percent(ece)} %`],
    ["Brier score", brier.toFixed(4)],
    ["texts", `${texts.toLocaleString("en")} of ${runs === 1 ? "one run" : `${runs} runs`}`],
  ]));
  $("accepted").hidden = !accepted.length;
  const cells = ([wanted, coverage, sure]) => [`${+percent(wanted, 1)} %`, `${percent(coverage, 1)} %`, `${percent(sure, 1)} %`];
  const lines = accepted.map((point) => h("tr", {}, ...cells(point).map((text) => h("td", {}, text))));
  $("accepted").querySelector("tbody").replaceChildren(...lines);
}

function startConfidence() {
  const draw = chooseRow($("confidence-row"), DATA.confidence, drawConfidence);
  const isMeasured = Object.keys(DATA.confidence).length > 0;
  $("no-confidence").hidden = isMeasured;
  $("confidence-charts").hidden = !isMeasured;
  if (isMeasured) keepDrawn($("plot-reliability"), draw);
}
