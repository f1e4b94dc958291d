// Accuracy against cost: a dot per row, whiskers for the interval, the Pareto front as a stepped line.
function front(points) {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || b.row.exact - a.row.exact);
  let best = -1;
  // By cost, and by accuracy where that is equal: a row is on the front if it is better than every cheaper
  // one.
  return sorted.filter(({ row }) => row.exact > best && ((best = row.exact), true));
}

function drawScatter() {
  const box = $("plot-cost");
  const axis = $("cost-axis").value;
  const points = DATA.rows
    // The axis is logarithmic.
    .filter((row) => row.cost[axis] > 0)
    .map((row) => ({ row, cost: row.cost[axis] }));
  if (!points.length) {
    box.replaceChildren(h("p", { class: "empty" }, "This cost was not measured."));
    return;
  }
  const costs = points.map((point) => point.cost);
  const lows = points.map(({ row }) => (row.interval ? row.interval[0] : row.exact));
  const highs = points.map(({ row }) => (row.interval ? row.interval[1] : row.exact));
  const span = Math.max(...highs) - Math.min(...lows) || 0.02;
  const ys = [Math.max(0, Math.min(...lows) - span * 0.06), Math.min(1, Math.max(...highs) + span * 0.1)];
  const { svg, x, y, left, right, top, bottom } = frame(box, {
    xs: [Math.min(...costs) / 1.25, Math.max(...costs) * 1.35],
    ys: ys.map((share) => share * 100),
    logX: true,
    xLabel: DATA.costs[axis],
    yUnit: " %",
  });
  svg.setAttribute("aria-label", `exact accuracy against ${DATA.costs[axis]}`);
  const best = front(points);
  const at = (share) => y(share * 100);
  // The boxes that no label may cover: dots, and the lines of the front.
  const taken = points.map(({ row, cost }) => around(x(cost), at(row.exact)));
  let steps = `M${x(best[0].cost)} ${bottom}`;
  best.forEach(({ row, cost }, i) => {
    steps += `H${x(cost)}V${at(row.exact)}`;
    const next = i + 1 < best.length ? x(best[i + 1].cost) : right;
    taken.push([x(cost), at(row.exact) - 1, next, at(row.exact) + 1]);
    taken.push([x(cost) - 1, at(row.exact), x(cost) + 1, i ? at(best[i - 1].row.exact) : bottom]);
  });
  svg.append(s("path", { class: "front", d: `${steps}H${right}` }));
  for (const { row, cost } of points) {
    if (!row.interval) continue;
    const ends = { x1: x(cost), x2: x(cost), y1: at(Math.max(row.interval[0], ys[0])), y2: at(Math.min(row.interval[1], ys[1])) };
    svg.append(s("line", { class: "whiskers", stroke: colour(row.number - 1), ...ends }));
  }
  for (const { row, cost } of points) {
    const onFront = best.some((point) => point.row === row);
    const text = `${row.number}  ${row.name}\n${percent(row.exact)} % exact, ${short(cost)} ${DATA.costs[axis]}${onFront ? "\non the Pareto front" : ""}`;
    const place = { cx: x(cost), cy: at(row.exact), fill: colour(row.number - 1) };
    const spot = s("circle", { class: "spot", ...place, r: onFront ? 7 : 5, tabindex: 0, role: "img", "aria-label": text });
    svg.append(addTip(spot, text));
    if (onFront) label(svg, row, place.cx, place.cy, [left, top, right, bottom], taken);
  }
  box.replaceChildren(svg);
}

const around = (cx, cy) => [cx - 8, cy - 8, cx + 8, cy + 8];
const overlap = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

// Label a dot on the front with its name, or if there is no room for that, with the row's number.
function label(svg, row, cx, cy, [left, top, right, bottom], taken) {
  const name = `${row.number}  ${row.name.length > 34 ? `${row.name.slice(0, 33)}…` : row.name}`;
  for (const text of [name, `${row.number}`]) {
    // An estimate: measuring the text would need it to be drawn first.
    const width = text.length * 6.4;
    for (const [toLeft, dy] of [[false, -6], [false, 16], [true, -6], [true, 16]]) {
      const from = toLeft ? cx - 12 - width : cx + 12;
      const baseline = cy + dy;
      const box = [from, baseline - 10, from + width, baseline + 4];
      const fits = box[0] >= left && box[1] >= top - 14 && box[2] <= right && box[3] <= bottom;
      if (!fits || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      const anchor = toLeft ? "end" : "start";
      svg.append(s("text", { class: "name", x: toLeft ? cx - 12 : cx + 12, y: baseline, "text-anchor": anchor }, text));
      return;
    }
  }
}

function startScatter() {
  const measured = Object.entries(DATA.costs).filter(([name]) => DATA.rows.some((row) => row.cost[name] > 0));
  if (!measured.length) {
    $("cost").hidden = true;
    return;
  }
  $("cost-axis").append(...measured.map(([name, title]) => h("option", { value: name }, title)));
  $("cost-axis").addEventListener("change", drawScatter);
  keepDrawn($("plot-cost"), drawScatter);
}
