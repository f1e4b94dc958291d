// The choice of one configuration, for charts that show one at a time.
const rowName = (row) => `${row.number}  ${row.name}`;

// Fill the <select> with the rows that have data, and return a function that draws the chosen one.
function chooseRow(select, data, draw) {
  const rows = DATA.rows.filter((row) => data[row.number]);
  select.append(...rows.map((row) => h("option", { value: row.number }, rowName(row))));
  select.closest("label").hidden = rows.length < 2;
  const drawChosen = () => draw(Number(select.value));
  select.addEventListener("change", drawChosen);
  return drawChosen;
}

// Names and values as a list of facts.
const facts = (pairs) => pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
