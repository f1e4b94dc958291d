// Accuracy of one row by text length, by position in the text and by character.
function groupText([name, count, right, lower, upper], what) {
  const interval = `${percent(lower, 1)} – ${percent(upper, 1)} %`;
  return `${what} ${name}: ${percent(right, 1)} % right (${interval})\n${count.toLocaleString("en")} ${what === "length" ? "texts" : "characters"}`;
}

function drawGroups(box, groups, number, what, xLabel) {
  if (!groups.length) {
    box.replaceChildren(h("p", { class: "empty" }, "All texts are empty."));
    return;
  }
  // Dots, not bars: their scale need not begin at 0, where differences between high accuracies can't be seen.
  const lowest = hundred(Math.min(...groups.map(([, , , lower]) => lower)));
  const { svg, x, y } = frame(box, {
    xs: [-0.5, groups.length - 0.5], ys: [Math.max(0, Math.min(99, lowest - (100 - lowest) * 0.06)), 100],
    xNames: groups.map(([name], index) => [index, name]), xLabel, yUnit: " %",
  });
  svg.setAttribute("aria-label", `accuracy by ${what}`);
  const stroke = colour(number - 1);
  svg.append(s("path", { class: "line thin faint", stroke, d: `M${path(groups.map(([, , share], index) => [index, hundred(share)]), x, y)}` }));
  groups.forEach((group, index) => {
    const [, , share, lower, upper] = group;
    const text = groupText(group, what);
    svg.append(s("line", { class: "whiskers", stroke, x1: x(index), x2: x(index), y1: y(hundred(lower)), y2: y(hundred(upper)) }));
    svg.append(addTip(s("circle", { class: "spot", fill: stroke, cx: x(index), cy: y(hundred(share)), r: 5, tabindex: 0, role: "img", "aria-label": text }), text));
  });
  box.replaceChildren(svg);
}

function characterItem(group, most) {
  const [name, count, share, lower, upper] = group;
  const bar = h("i");
  bar.style.width = `${most ? hundred((1 - share) / most) : 0}%`;
  const shown = visibleCharacter(name);
  const item = h("li", {}, h("b", {}, shown), h("span", { class: "bar-of", "aria-hidden": "true" }, bar), h("span", { class: "value" }, percent(1 - share, 1)));
  return addTip(item, groupText([shown, count, share, lower, upper], "character"));
}

function drawBreakdown(number) {
  const { lengths, positions, characters, left_out: leftOut, texts } = DATA.breakdown[number];
  // Of texts that all have one length, the table of results has the accuracy.
  $("plot-lengths").closest("figure").hidden = lengths.length < 2;
  drawGroups($("plot-lengths"), lengths, number, "length", "characters in the text");
  drawGroups($("plot-positions"), positions, number, "position", "position in the text");
  const most = Math.max(...characters.map(([, , share]) => 1 - share));
  $("characters").replaceChildren(...characters.map((group) => characterItem(group, most)));
  const others = leftOut ? `; ${leftOut} characters with a higher accuracy are left out` : "";
  $("breakdown-note").textContent = `${texts.toLocaleString("en")} texts${others}`;
}

function startBreakdown() {
  const draw = chooseRow($("breakdown-row"), DATA.breakdown, drawBreakdown);
  const isMeasured = Object.keys(DATA.breakdown).length > 0;
  $("no-breakdown").hidden = isMeasured;
  $("breakdown-charts").hidden = !isMeasured;
  if (isMeasured) keepDrawn($("plot-positions"), draw);
}
