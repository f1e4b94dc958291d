// Axes: ticks, linear and logarithmic scales, a frame drawn at the displayed size.
function niceTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const ticks = [];
  // Multiples of the step, not sums of steps, which would collect rounding errors.
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) ticks.push(+(i * step).toPrecision(12));
  return ticks;
}

function logTicks(low, high, wanted) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of [1, 2, 5]) ticks.push(factor * 10 ** power);
  }
  const inside = ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  // The range is too narrow for two ticks of 1, 2 or 5 times a power of ten.
  if (inside.length < 2) return niceTicks(low, high, wanted);
  const every = Math.ceil(inside.length / wanted);
  return inside.filter((_, index) => index % every === 0);
}

function scale(low, high, from, to, log = false) {
  const f = log ? Math.log : (value) => value;
  const span = f(high) - f(low) || 1;
  return (value) => from + ((f(value) - f(low)) / span) * (to - from);
}

// Returns {svg, x, y, left, right, top, bottom}; domains are [low, high].
function frame(box, { xs, ys, logX = false, xLabel = "", yFormat = short, xFormat = short }) {
  // Drawn at the displayed size rather than scaled, so that the text keeps its size on a phone.
  const width = Math.max(240, box.clientWidth);
  const height = Math.max(160, box.clientHeight);
  const [left, right, top, bottom] = [54, width - 12, 10, height - (xLabel ? 40 : 26)];
  const x = scale(xs[0], xs[1], left, right, logX);
  const y = scale(ys[0], ys[1], bottom, top);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  for (const tick of niceTicks(ys[0], ys[1], height / 55)) {
    svg.append(s("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
    svg.append(s("text", { x: left - 7, y: y(tick) + 4, "text-anchor": "end" }, yFormat(tick)));
  }
  const ticks = logX ? logTicks(xs[0], xs[1], width / 75) : niceTicks(xs[0], xs[1], Math.max(4, width / 90));
  for (const tick of ticks) {
    svg.append(s("line", { class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }));
    svg.append(s("text", { x: x(tick), y: bottom + 17, "text-anchor": "middle" }, xFormat(tick)));
  }
  svg.append(s("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  if (xLabel) {
    svg.append(s("text", { x: (left + right) / 2, y: height - 5, "text-anchor": "middle" }, xLabel));
  }
  return { svg, x, y, left, right, top, bottom };
}

// Draw now and whenever the width of the box changes, as when a phone is rotated.
function keepDrawn(box, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== width) {
      width = box.clientWidth;
      draw();
    }
  }).observe(box);
}
