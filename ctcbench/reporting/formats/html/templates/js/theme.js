// Light and dark theme: the system's until the button is pressed, then the reader's choice, in local storage.
const KEY = "ctcbench-report-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // browsers may refuse storage to file:// pages
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // the choice then lasts as long as the page is open
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
