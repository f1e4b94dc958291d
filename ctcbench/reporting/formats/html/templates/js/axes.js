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

// The texts of linear ticks: as many decimals as their step needs, thousands as k, millions as M.
function tickTexts(ticks) {
  const size = Math.max(...ticks.map(Math.abs));
  const [unit, letter] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  const isExact = (digits) => ticks.every((tick) => Math.abs((tick / unit).toFixed(digits) * unit - tick) < size * 1e-9);
  let digits = 0;
  while (digits < 12 && !isExact(digits)) digits++;
  return ticks.map((tick) => (tick ? `${(tick / unit).toFixed(digits)}${letter}` : "0"));
}

// The texts of logarithmic ticks: three digits, or more where two ticks would be the same.
function logTickTexts(ticks) {
  for (let digits = 3; digits < 12; digits++) {
    const texts = ticks.map((tick) => short(tick, digits));
    if (new Set(texts).size === ticks.length) return texts;
  }
  return ticks.map(String);
}

const ruler = document.createElement("canvas").getContext("2d");

// The width of a text of a plot in pixels, with a margin: figures of equal width can be wider than the ruler's.
function textWidth(text) {
  ruler.font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(ruler.measureText(text).width * 1.06);
}

// The positions and texts of the ticks of both axes. `xNames` are ticks [value, text] of groups, not of numbers.
function axisTicks(width, height, { xs, ys, logX = false, yUnit = "", xUnit = "", xNames = null }) {
  const yTicks = niceTicks(ys[0], ys[1], height / 45);
  const yTexts = tickTexts(yTicks).map((text) => text + yUnit);
  if (xNames) return { yTicks, yTexts, xTicks: xNames.map(([value]) => value), xTexts: xNames.map(([, text]) => text) };
  const xTicks = logX ? logTicks(xs[0], xs[1], width / 75) : niceTicks(xs[0], xs[1], Math.max(4, width / 90));
  const xTexts = (logX ? logTickTexts(xTicks) : tickTexts(xTicks)).map((text) => text + xUnit);
  return { yTicks, yTexts, xTicks, xTexts };
}

// Returns {svg, x, y, left, right, top, bottom}; domains are [low, high], and the other options those of axisTicks().
// The margins hold the longest texts of both axes, so that none is cut off.
function frame(box, { xLabel = "", ...options }) {
  const { xs, ys, logX = false, xNames = null } = options;
  // Drawn at the displayed size rather than scaled, so that the text keeps its size on a phone.
  const width = Math.max(240, box.clientWidth);
  const height = Math.max(160, box.clientHeight);
  const [top, bottom] = [10, height - (xLabel ? 40 : 26)];
  const { yTicks, yTexts, xTicks, xTexts } = axisTicks(width, height, options);
  const half = Math.max(0, ...xTexts.map(textWidth)) / 2;
  const left = Math.max(...yTexts.map(textWidth), half) + 10;
  const right = width - Math.max(12, half + 2);
  // As many names as fit beside each other.
  const every = xNames ? Math.ceil((xTexts.length * (2 * half + 6)) / (right - left)) : 1;
  const x = scale(xs[0], xs[1], left, right, logX);
  const y = scale(ys[0], ys[1], bottom, top);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  yTicks.forEach((tick, index) => {
    svg.append(s("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
    svg.append(s("text", { x: left - 7, y: y(tick) + 4, "text-anchor": "end" }, yTexts[index]));
  });
  xTicks.forEach((tick, index) => {
    if (index % every) return;
    svg.append(s("line", { class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }));
    svg.append(s("text", { x: x(tick), y: bottom + 17, "text-anchor": "middle" }, xTexts[index]));
  });
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
