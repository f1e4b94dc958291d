// Light and dark: the system's choice until the button is pressed, then the reader's, kept where it can be.
const KEY = "ctcbench-report-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser may refuse storage to a file
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // then only for as long as the page is open
  }
}

function startTheme() {
  const root = document.documentElement;
  if (["light", "dark"].includes(kept())) root.dataset.theme = kept();
  $("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (system.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    keep(root.dataset.theme);
  });
}
