// Contact sheets: test images of each data set, with their texts.
function contactSheet({ dataset, rows, about, pictures, why }) {
  const which = DATA.rows.length > rows.length ? ` (row${rows.length === 1 ? "" : "s"} ${rows.join(", ")})` : "";
  return h("div", { class: "sheet" },
    h("h3", {}, h("code", {}, dataset), which),
    h("dl", { class: "facts" }, ...facts(about)),
    why ? h("p", { class: "empty" }, why) : null,
    h("div", { class: "pictures" }, ...pictures.map(([key, text]) =>
      h("figure", {}, h("img", { src: DATA.images[key], alt: "" }), h("figcaption", {}, text || "(empty)")))));
}

function startSheets() {
  const { sheets, left_out: leftOut } = DATA.sheets;
  $("sheets").replaceChildren(...sheets.map(contactSheet));
  if (leftOut) $("sheets").append(h("p", { class: "note" }, `Not shown: ${leftOut} more sets of test images.`));
  $("test-images").hidden = !sheets.length;
}
